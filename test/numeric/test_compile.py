# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""What 'sinter compile' promises beside numbers: no tools on the PATH, errors that leave nothing behind, one function for all layers,
files over 2 GB."""
import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

import make_stories260k
from harness import HERE, Checks, Reference, sinter, sinter_steps

SINTER = Path(os.environ["SINTER_BIN"]) / "sinter"
KJV = HERE.parent / "models" / "kjv" / "model.onnx"


def empty_path(checks, folder):
    done = subprocess.run([SINTER, "compile", KJV, "-o", folder / "model.so"], env={"PATH": ""}, capture_output=True, text=True)
    checks.that(done.returncode == 0, f"compiles with an empty PATH{': ' + done.stderr if done.returncode else ''}")


def errors(checks, folder):
    data = KJV.read_bytes()
    (folder / "cut.onnx").write_bytes(data[:len(data) // 2])
    (folder / "text.onnx").write_text("no model")
    for arguments, code in ((("compile", folder / "cut.onnx"), 1), (("compile", folder / "text.onnx"), 1),
                            (("compile", folder / "missing.onnx"), 1), (("compile", KJV, "--weights=int5"), 2),
                            (("compile", KJV, "--mcpu=abacus"), None), (("compile", KJV, "--dim", "no_such_dim=3"), None)):
        before = set(folder.iterdir())
        done = subprocess.run([SINTER, *arguments, "-o", folder / "error.so"], capture_output=True, text=True)
        left = {p.name for p in set(folder.iterdir()) - before}
        good = done.returncode in ([1, 2] if code is None else [code]) and len(done.stderr.strip().splitlines()) == 1 and not left
        checks.that(good, f"{' '.join(Path(a).name for a in map(str, arguments[1:]))}: exit code {done.returncode}, left {left or 'nothing'}, "
                    f"'{done.stderr.strip()[:200]}'")


def interrupted(checks, folder):
    # At any moment; that the last delay still meets a running compiler depends on the machine and does not matter.
    for delay in (0.02, 0.1, 0.2, 0.4):
        work = folder / f"interrupted{delay}"
        work.mkdir()
        process = subprocess.Popen([SINTER, "compile", KJV, "-o", work / "model.so"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        code = process.wait()
        left = sorted(p.name for p in work.iterdir())
        checks.that(left == (["model.so"] if code == 0 else []), f"interrupted after {delay} s: exit code {code}, left {left}")


def same_functions(checks, folder):
    rng = np.random.default_rng(0)
    counts = []
    for layers in (2, 32):
        dim, kv, hidden = 64, 32, 128
        shapes = dict(embedding=(64, dim), attention_norm=(layers, dim), q=(layers, dim, dim), k=(layers, kv, dim),
                      v=(layers, kv, dim), o=(layers, dim, dim), ffn_norm=(layers, dim), gate=(layers, hidden, dim),
                      down=(layers, dim, hidden), up=(layers, hidden, dim), final_norm=(dim,))
        weights = {k: (rng.standard_normal(s) * 0.05).astype(np.float32) for k, s in shapes.items()}
        sizes = dict(layers=layers, heads=8, kv_heads=4, size=8, context=64, vocab=64)
        model, library = folder / f"{layers}.onnx", folder / f"{layers}.so"
        make_stories260k.build(weights, sizes, "half").save(model)
        sinter("compile", model, "-o", library, "--max-seq=64")
        counts.append(json.loads(sinter("inspect", library, "--json"))["kernels"])
    checks.that(counts[0] == counts[1], f"functions for 2 and for 32 layers: {counts}")


def large_file(checks, folder):
    """2.5 GB of external data, all holes but for one row in front and one at the end."""
    rows, columns = 1024, 640 * 1024
    with open(folder / "weights.bin", "wb") as f:
        f.truncate(rows * columns * 4)
        f.write(np.arange(1, 65, dtype=np.float32).tobytes())
        f.seek((rows - 1) * columns * 4)
        f.write(np.arange(1, 65, dtype=np.float32).tobytes())
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[rows, columns], data_location=TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value="weights.bin")
    # Rows are looked up, so that the answer is plain and the work small.
    graph = helper.make_graph([helper.make_node("Gather", ["w", "i"], ["row"]),
                               helper.make_node("Slice", ["row", "zero", "end", "one"], ["y"])], "large",
                              [helper.make_tensor_value_info("i", TensorProto.INT64, [1])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 64])],
                              [weight, *(helper.make_tensor(n, TensorProto.INT64, [1], [v])
                                         for n, v in (("zero", 0), ("end", 64), ("one", 1)))])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), folder / "large.onnx")
    sinter("compile", folder / "large.onnx", "-o", folder / "large.so")
    steps = [{"i": np.array([i], np.int64)} for i in (0, 5, rows - 1)]
    checks.close(sinter_steps(folder / "large.so", steps), Reference(folder / "large.onnx").run(steps), 1e-6,
                 "a file of 2.5 GB, its first and its last row")


def main():
    checks = Checks()
    for part in (empty_path, errors, interrupted, same_functions, large_file):
        with tempfile.TemporaryDirectory() as folder:
            try:
                part(checks, Path(folder))
            except SystemExit as error:
                checks.that(False, f"{part.__name__}: {error}")
    checks.finish()


if __name__ == "__main__":
    main()
