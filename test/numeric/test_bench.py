#!/usr/bin/env python3
# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""bench/: a model that its writer makes compiles and gives onnxruntime's logits; canned results become the tables they should."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench" / "peers"))
import onnx_model  # noqa: E402
import report  # noqa: E402
from shapes import SHAPES  # noqa: E402
from harness import Reference, decoder_steps  # noqa: E402

SINTER = Path(os.environ.get("SINTER_BIN", ROOT / "build" / "bin")) / "sinter"
TOLERANCE = {True: 0.05, False: 1e-4}  # of the largest logit: 8-bit activations, f32


def check_writer(folder, quantized):
    onnx_model.write(SHAPES["tiny"], folder / "model", quantized)
    steps = [{k: v for k, v in step.items() if k != "position_ids"} for step in decoder_steps(list(range(3, 40)), [30, 1, 1])]
    expected = [out["logits"] for out in Reference(folder / "model" / "model.onnx").run(steps)]
    for out, last in zip(expected, Reference(folder / "model" / "last.onnx").run(steps)):
        np.testing.assert_allclose(last["logits"], out[:, -1:], rtol=0, atol=1e-4 * abs(out).max())
    np.savez(folder / "case.npz", **{f"{i}/in/{name}": array for i, step in enumerate(steps) for name, array in step.items()})
    run = lambda *command: subprocess.run([SINTER, *command], check=True)
    run("compile", folder / "model" / "model.onnx", "-o", folder / "model.so")
    run("run", folder / "model.so", "--steps", folder / "case.npz", "--outputs", folder / "out.npz")
    with np.load(folder / "out.npz") as outputs:
        for i, out in enumerate(expected):
            difference = abs(outputs[f"{i}/out/logits"] - out).max() / abs(out).max()
            assert difference < TOLERANCE[quantized], f"step {i}: logits differ by {difference:.2g} of the largest"


def check_report(folder):
    row = lambda speed: {"prefill": [speed * 10, speed * 10, speed], "decode": [speed] * 3, "deep": [speed / 2] * 3, "peak_mb": 700,
                         "load_seconds": 1}
    state = {"read_gb_per_s": 30.0, "int8_gop_per_s": 1000.0, "round_trip_ns": 55}
    results = {
        "processor": "a processor", "versions": {"llama.cpp": "1"},
        "compile": {"small-int4": {"flags": "--kv=bf16", "seconds": 2, "peak_mb": 100, "source_mb": 600, "file_mb": 500, "macs": 1e9,
                                   "head_macs": 0, "weights_read": 5e8, "cache_bytes": 1e4}},
        "decoders": {"small": {"2": {"title": "Small", "weights": "random weights", "library": "small-int4", "prompt": 512, "depth": 2048,
                                     "generated": 1, "when": "today", "machine": [state] * 3, "rows": {"Sinter": row(30), "llama.cpp": row(20)}}}},
        "encoders": {"minilm": {"1": {"title": "MiniLM-L6", "tokens": 128, "when": "today", "machine": [state],
                                      "rows": {"Sinter, int8": {"ms": [3, 9, 4]}}}}}}
    text = report.tables(results)
    for line in ("| 2 | prompt of 512 | **300** | 200 |",  # the median, the best in bold
                 "| 2 | generate at 2048 | **15.0** | 10.0 |",
                 "| Small | 2 | 60% | 50% | 26% | 30.0 | 1000 | 55 |",  # 2e9 * 300 / 1e12; 5e8 * 30 / 3e10; (5e8 + 2049e4) * 15 / 3e10
                 "| Sinter, int8 | 4.00 |"):
        assert line in text, f"no line '{line}' in\n{text}"
    page = folder / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.rewrite(page, text)
    assert page.read_text() == f"before\n{report.BEGIN}\n\n{text}\n\n{report.END}\nafter\n"


def check_command_line():
    refused = subprocess.run([ROOT / "bench" / "run", "--models", "nothing"], capture_output=True, text=True)
    assert refused.returncode == 2 and "'nothing' is none of tinyllama" in refused.stderr, refused.stderr
    assert "examples:" in subprocess.run([ROOT / "bench" / "run", "--help"], capture_output=True, text=True, check=True).stdout


def main():
    with tempfile.TemporaryDirectory() as folder:
        check_writer(Path(folder), True)
        check_writer(Path(folder), False)
        check_report(Path(folder))
    check_command_line()


if __name__ == "__main__":
    main()
