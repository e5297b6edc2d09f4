#!/usr/bin/env python3
# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""The work of bench/run, inside its Python environment: makes models, measures in rounds, writes the report."""
import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import options
import report
from options import FOLDER, PYTHON, REAL, ROOT
from shapes import SHAPES

HERE = Path(__file__).resolve().parent
SINTER = ROOT / "build" / "bin" / "sinter"
PROBE = ROOT / "build" / "bin" / "machine_probe"
PROMPT, DEPTH, CAPACITY, ENCODER_TOKENS = 512, 2048, 4096, 128
# The cache in 16 bits, as the peers keep it (onnxruntime: in 32, as the file says).
FLAGS = ["--kv=bf16", f"--max-seq={CAPACITY}"]


def say(text):
    print("==", text, flush=True)


def run(*command):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode:
        sys.exit(done.stdout.strip() or f"{command[1]} failed with status {done.returncode}")


def make(path, *command):
    """Runs a writer unless what it makes is newer than it."""
    script = HERE / command[0]
    if not path.exists() or path.stat().st_mtime < script.stat().st_mtime:
        say(f"writing {path.relative_to(ROOT)}")
        path.parent.mkdir(parents=True, exist_ok=True)
        run(PYTHON, script, *command[1:])
    return path


# ------------------------------------------------------------------ compiling

def compile_model(results, name, source, *flags):
    """build/bench/NAME.so; notes what it took. None, with a sentence, where the compiler refuses."""
    library = FOLDER / f"{name}.so"
    newest = max(path.stat().st_mtime for path in (source, SINTER))
    if library.exists() and library.stat().st_mtime > newest and results["compile"].get(name, {}).get("source") == str(source):
        return library
    command = [SINTER, "compile", source, "-o", library, *flags]
    say(" ".join(str(part.relative_to(ROOT) if isinstance(part, Path) and part.is_relative_to(ROOT) else part) for part in command))
    begin = time.perf_counter()
    done = subprocess.run([*command, "-v"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    seconds = time.perf_counter() - begin
    if done.returncode:
        say(f"{name} is left out: {done.stdout.strip().splitlines()[-1]}")
        return None
    peak = re.search(r"at most (\d+) MB of memory", done.stdout)
    inspected = json.loads(subprocess.run([SINTER, "inspect", library, "--json"], check=True, capture_output=True, text=True).stdout)
    data = [source, *source.parent.glob(source.name + "?data")]
    results["compile"][name] = {
        "source": str(source), "flags": " ".join(flags), "seconds": seconds, "peak_mb": float(peak[1]) if peak else 0,
        "source_mb": sum(path.stat().st_size for path in data) / 1e6, "file_mb": library.stat().st_size / 1e6,
        "macs": float(inspected["metas"].get("linear-macs", 0)), "head_macs": float(inspected["metas"].get("head-macs", 0)),
        "weights_read": float(inspected["metas"].get("weights-read", 0)), "cache_bytes": inspected.get("cache_bytes_per_token", 0),
        "isa": inspected["metas"].get("isa", "")}
    return library


# ------------------------------------------------------------------ processes

class Left(Exception):
    """A runtime that cannot take part, and why."""


class Worker:
    """A runtime in its own process, which is stopped whenever it is not its turn."""

    def __init__(self, system, kind, model, threads, shape=None):
        self.system = system
        command = [PYTHON, HERE / "worker.py", system, kind, model, f"--threads={threads}", f"--capacity={CAPACITY}"]
        self.log = open(FOLDER / f"{system}.log", "w")
        self.process = subprocess.Popen(command + ([f"--shape={shape}"] if shape else []), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.log, text=True)
        self.load_seconds = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        self.process.send_signal(signal.SIGSTOP)
        answer = json.loads(line) if line else {"error": f"it ended; see build/bench/{self.system}.log"}
        if "error" in answer:
            self.close()
            raise Left(answer["error"].strip().splitlines()[0])
        return answer["seconds"]

    def call(self, **order):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def peak_mb(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def close(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


def probe(threads):
    done = subprocess.run([PROBE, str(threads)], check=True, capture_output=True, text=True)
    values = json.loads(done.stdout)
    return values.pop(str(threads)) | values


def best(one, other):
    """The better of two states of the machine, figure by figure: whoever else runs can only slow it down."""
    return {key: (min if key == "round_trip_ns" else max)(value, other[key]) for key, value in one.items()}


def start(candidates, warm, kind, threads, shape=None):
    """A worker for each (label, system, model); those that fail are named."""
    workers = {}
    for label, system, model in candidates:
        try:
            worker = Worker(system, kind, model, threads, shape)
            warm(worker)
            workers[label] = worker
        except Left as why:
            say(f"{label} is left out: {why}")
    return workers


def rounds(args, title, threads, workers, turn):
    """Rounds in which every worker has a turn, beginning with another each time. The machine is measured on both sides of Sinter's."""
    machine, rows = [], {label: {} for label in workers}
    for number in range(args.rounds):
        labels = list(workers)
        shift = number % len(labels)
        for label in labels[shift:] + labels[:shift]:
            if label == labels[0]:
                before = probe(threads)
            try:
                for key, value in turn(workers[label]).items():
                    rows[label].setdefault(key, []).append(value)
            except Left as why:
                say(f"{label} is left out: {why}")
                del workers[label], rows[label]
            if label == labels[0]:
                machine.append(best(before, probe(threads)))
        last = ", ".join(f"{label} " + " ".join(f"{values[-1]:.1f}" for values in row.values()) for label, row in rows.items())
        print(f"   {title}, {threads} thread{'s' * (threads > 1)}, round {number + 1}/{args.rounds}: {last} "
              f"({machine[-1]['read_gb_per_s']:.1f} GB/s, {machine[-1].get('round_trip_ns', 0):.0f} ns)", flush=True)
    for label, worker in workers.items():
        rows[label]["load_seconds"], rows[label]["peak_mb"] = worker.load_seconds, worker.peak_mb()
        worker.close()
    return {"when": time.strftime("%Y-%m-%d %H:%M"), "machine": machine, "rows": rows}


# ------------------------------------------------------------------ decoders and encoders

def decoder_files(name):
    """(ONNX file for Sinter, the same with the last token's logits for onnxruntime, which weights)"""
    folder = FOLDER / "models" / name
    real = REAL / name / "int4" / "model.onnx"
    if real.exists():
        return real, make(folder / "real" / "last.onnx", "onnx_model.py", name, folder / "real", "--last-of", real), "real weights"
    source = make(folder / "onnx" / "model.onnx", "onnx_model.py", name, folder / "onnx")
    return source, source.with_name("last.onnx"), "random weights"


def compare_decoder(args, results, name, peers):
    shape, folder = SHAPES[name], FOLDER / "models" / name
    source, last, weights = decoder_files(name)
    library = compile_model(results, f"{name}-int4", source, *FLAGS)
    if not library:
        return
    if args.float and name == "tinyllama":
        floats = make(folder / "f32" / "model.onnx", "onnx_model.py", name, folder / "f32", "--float")
        compile_model(results, f"{name}-from-f32-int4", floats, "--weights=int4", *FLAGS)
    if args.compile:
        return
    candidates = [("Sinter", "sinter", library)]
    for peer in peers:
        if peer == "onnxruntime":
            candidates.append((peer, peer, last))
        elif peer == "openvino":
            file = folder / "int4.xml"
            candidates.append(("OpenVINO", peer, make(file, "openvino_model.py", name, file)))
        else:
            file = folder / "q4_0.gguf"
            candidates.append((peer, peer, make(file, "gguf_model.py", name, file)))

    count = 16 if args.quick else 32 if shape.hidden > 1024 else 64

    def warm(worker):
        worker.call(do="prefill", tokens=PROMPT)
        worker.call(do="decode", depth=0, tokens=4)
        worker.call(do="decode", depth=DEPTH, tokens=4)

    def turn(worker):
        return {"prefill": PROMPT / worker.call(do="prefill", tokens=PROMPT),
                "decode": count / worker.call(do="decode", depth=0, tokens=count),
                "deep": count / worker.call(do="decode", depth=DEPTH, tokens=count)}

    for threads in args.threads:
        say(f"{shape.title}, {weights}, {threads} thread{'s' * (threads > 1)}: loading")
        workers = start(candidates, warm, "decoder", threads, name)
        if "Sinter" in workers:
            measured = rounds(args, shape.title, threads, workers, turn)
            measured |= {"title": shape.title, "weights": weights, "library": f"{name}-int4", "prompt": PROMPT, "depth": DEPTH, "generated": count}
            results["decoders"].setdefault(name, {})[str(threads)] = measured
            save(args, results)


def compare_minilm(args, results, peers):
    files = {key: REAL / "minilm" / key / "model.onnx" for key in ("legacy_hidden", "legacy_hidden_int8mm", "fused_hidden_int8mm")}
    files = {key: path for key, path in files.items() if path.exists()}
    if "legacy_hidden" not in files:
        return say(f"MiniLM is left out: there is no {REAL}/minilm/legacy_hidden/model.onnx (SINTER_REAL names the folder)")
    bounds = ["--dim", "batch_size=1", "--dim", "sequence_length=1..512"]
    candidates = []
    if library := compile_model(results, "minilm-int8", files["legacy_hidden"], "--weights=int8", *bounds):
        candidates.append(("Sinter, --weights=int8", "sinter", library))
    if "legacy_hidden_int8mm" in files and (library := compile_model(results, "minilm-int8mm", files["legacy_hidden_int8mm"], *bounds)):
        candidates.append(("Sinter, dynamic int8 file", "sinter", library))
    if "onnxruntime" in peers:
        titles = {"legacy_hidden": "f32 file", "legacy_hidden_int8mm": "dynamic int8 file", "fused_hidden_int8mm": "fused dynamic int8 file"}
        candidates += [(f"onnxruntime, {titles[key]}", "onnxruntime", path) for key, path in files.items()]
    if "openvino" in peers:
        compressed = FOLDER / "models" / "minilm" / "int8.xml"
        make(compressed, "openvino_model.py", "--int8", files["legacy_hidden"], compressed)
        candidates += [("OpenVINO, f32 file", "openvino", files["legacy_hidden"]), ("OpenVINO, int8 weights", "openvino", compressed)]

    if args.compile:
        return
    repeats = 5 if args.quick else 25

    def warm(worker):
        worker.call(do="run", tokens=ENCODER_TOKENS, repeats=1)

    def turn(worker):
        return {"ms": worker.call(do="run", tokens=ENCODER_TOKENS, repeats=repeats) * 1e3}

    for threads in args.threads:
        workers = start(candidates, warm, "encoder", threads)
        if any(label.startswith("Sinter") for label in workers):
            results["encoders"].setdefault("minilm", {})[str(threads)] = rounds(args, "MiniLM-L6", threads, workers, turn) | {
                "title": "MiniLM-L6", "tokens": ENCODER_TOKENS}
            save(args, results)


# ------------------------------------------------------------------ results

def results_file(args):
    return FOLDER / ("quick.json" if args.quick else "results.json")


def load(args):
    path = results_file(args)
    kept = json.loads(path.read_text()) if path.exists() else {}
    return {"compile": {}, "decoders": {}, "encoders": {}, "versions": {}} | kept


def ordered(results):
    """With models in their usual order, however they were measured."""
    place = {name: i for i, name in enumerate(options.MODELS)}
    rank = lambda name: min((place[model] for model in place if name.startswith(model)), default=len(place))
    return results | {key: dict(sorted(results[key].items(), key=lambda item: rank(item[0]))) for key in ("compile", "decoders", "encoders")}


def save(args, results):
    path = results_file(args)
    path.with_suffix(".part").write_text(json.dumps(results, indent=1) + "\n")
    path.with_suffix(".part").rename(path)


def processor():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    value = lambda key: next((line.split(":")[1].strip() for line in lines if line.startswith(key + "\t")), "?")
    return f"{value('model name')} (family {value('cpu family')}, model {value('model')}), {os.cpu_count()} processors"


def main():
    args = options.parse()
    results = load(args)
    if not args.report:
        results["processor"] = processor()
        peers = []
        for peer in args.peers:
            try:
                results["versions"][peer] = importlib.metadata.version(options.PEERS[peer].split("==")[0])
                peers.append(peer)
            except importlib.metadata.PackageNotFoundError:
                pass  # bench/run has said so
        for name in args.models:
            if name == "minilm":
                compare_minilm(args, results, peers)
            else:
                compare_decoder(args, results, name, peers)
        save(args, results)
    results = ordered(results)
    print()
    print(report.tables(results))
    if not args.quick:
        report.write(results, ROOT / "docs" / "performance.md", ROOT / "docs" / "performance.png")


if __name__ == "__main__":
    main()
