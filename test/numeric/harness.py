# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""What the numeric tests share: onnxruntime as the reference, sinter as a command, and their comparison.

A case is a list of steps, each a dict of inputs. State (past_key_values.N.key and the like) is carried by the reference itself and
by sinter's session; an input that a step does not name keeps its last value.
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent


def models_folder(*parts):
    """A folder of SINTER_MODELS; the test is skipped where it is absent."""
    folder = Path(os.environ.get("SINTER_MODELS", HERE.parent.parent.parent / "shared")).joinpath(*parts)
    if not folder.exists():
        print(f"skipped: no test models at {folder} (SINTER_MODELS names their folder)")
        sys.exit(77)
    return folder


class Reference:
    """An ONNX file in onnxruntime, without graph optimizations; every present output feeds the past input of its place."""

    def __init__(self, path, threads=2):
        import onnxruntime as ort
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        pasts = [i for i in self.session.get_inputs() if "past" in i.name]
        presents = [o.name for o in self.session.get_outputs() if "present" in o.name]
        self.state = dict(zip([i.name for i in pasts], presents))
        size = lambda d: d if isinstance(d, int) else 0 if "past" in d else 1
        self.empty = {i.name: np.zeros([size(d) for d in i.shape], np.float32) for i in pasts}

    def run(self, steps):
        """The outputs of every step without the presents, from an empty session."""
        names = [o.name for o in self.session.get_outputs()]
        kept, past, results = {}, dict(self.empty), []
        for step in steps:
            kept.update(step)
            out = dict(zip(names, self.session.run(None, {**kept, **past})))
            past = {i: out[o] for i, o in self.state.items()}
            results.append({k: v for k, v in out.items() if k not in self.state.values()})
        return results


def decoder_steps(ids, lengths, dtype=np.int64):
    """Steps of a decoder with mask and positions that feed `ids` in pieces of the given lengths."""
    steps, at = [], 0
    for n in lengths:
        piece = np.array([ids[at:at + n]], dtype)
        steps.append(dict(input_ids=piece, attention_mask=np.ones((1, at + n), dtype),
                          position_ids=np.arange(at, at + n, dtype=dtype)[None]))
        at += n
    return steps


def sinter(*arguments):
    command = [str(Path(os.environ["SINTER_BIN"]) / "sinter"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def sinter_steps(library, steps, *flags):
    """The outputs of every step of one session of a compiled library."""
    with tempfile.TemporaryDirectory() as folder:
        case, out = Path(folder) / "case.npz", Path(folder) / "out.npz"
        np.savez(case, **{f"{i}/in/{name}": a for i, step in enumerate(steps) for name, a in step.items()})
        sinter("run", library, "--steps", case, "--outputs", out, *flags)
        results = [{} for _ in steps]
        with np.load(out) as z:
            for key in z.files:
                step, _, name = key.split("/", 2)
                results[int(step)][name] = z[key]
    return results


class Checks:
    """Collects failures, so that one run tells all of them."""

    def __init__(self):
        self.failures = 0

    def that(self, condition, text):
        print(("ok    " if condition else "FAIL  ") + text, flush=True)
        self.failures += not condition

    def close(self, ours, theirs, tolerance, what):
        """Every output of every step within tolerance of the output's largest magnitude; integers equal."""
        worst = 0.0
        for step, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            for name, want in b.items():
                if name not in a or a[name].shape != want.shape:
                    self.that(False, f"{what}: step {step} output {name}: "
                              f"{a[name].shape if name in a else 'missing'} instead of {want.shape}")
                    return
                if want.size and want.dtype.kind != "f":
                    worst = max(worst, 0.0 if np.array_equal(a[name], want) else np.inf)
                elif want.size:
                    error = np.abs(a[name].astype(np.float64) - want).max() / max(np.abs(want).max(), 1e-30)
                    worst = max(worst, float(np.nan_to_num(error, nan=np.inf)))
        self.that(worst <= tolerance, f"{what}: largest difference {worst:.2e} of the largest magnitude (limit {tolerance:g})")

    def same_bits(self, runs, what):
        first = {k: np.concatenate([s[k] for s in runs[0]], axis=1) for k in runs[0][0]}
        for run in runs[1:]:
            for k, want in first.items():
                if np.concatenate([s[k] for s in run], axis=1).tobytes() != want.tobytes():
                    self.that(False, f"{what}: {k} differs")
                    return
        self.that(True, f"{what}: the same bits")

    def greedy(self, ours, theirs, what):
        """The same best token at every position, up to where the reference itself is undecided."""
        a = np.concatenate([s["logits"][0] for s in ours])
        b = np.concatenate([s["logits"][0] for s in theirs])
        best = np.sort(b, axis=-1)[:, -2:]
        undecided = np.flatnonzero(best[:, 1] - best[:, 0] < 1e-4 * np.abs(b).max())
        end = undecided[0] if undecided.size else len(b)
        same = np.array_equal(a[:end].argmax(-1), b[:end].argmax(-1))
        self.that(same, f"{what}: the same best token at {end} positions"
                  + (f" (of {len(b)}; there the reference's two best are too close)" if end < len(b) else ""))

    def finish(self):
        sys.exit(1 if self.failures else 0)
