# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""The command line of bench/run."""
import argparse
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "build" / "bench"
PYTHON = FOLDER / "venv" / "bin" / "python"
# Models with real weights: smollm2/int4/model.onnx, minilm/legacy_hidden/model.onnx and the like.
REAL = Path(os.environ.get("SINTER_REAL", ROOT / "build" / "models")).resolve()

MODELS = ("tinyllama", "qwen2.5-0.5b", "smollm2", "minilm")
# What pip installs for each peer.
PEERS = {"onnxruntime": "onnxruntime==1.31.1", "openvino": "openvino==2026.4.1", "llama.cpp": "llama-cpp-python==0.3.36"}

DESCRIPTION = """Compare compiled models with onnxruntime, OpenVINO and llama.cpp.

Every model is made in each runtime's own format (random weights of real shapes, 4 bits), loaded by one process a runtime,
and measured in rounds in which the runtimes take turns while the others are stopped. Results are kept in
build/bench/results.json, a model and number of threads at a time, so a comparison can be made in pieces; docs/performance.md and
docs/performance.png are made of all that is there."""

EXAMPLES = """examples:
  bench/run                                     everything, about 20 minutes after the first set-up
  bench/run --quick                             two short rounds, which leave docs/ alone
  bench/run --models tinyllama --threads 2      a piece
  bench/run --peers onnxruntime --models minilm
  bench/run --report                            only write docs/ again from build/bench/results.json

The first run makes build/bench/venv with the peers; building llama.cpp takes some ten minutes, and the models take 5 GB of disk.
SmolLM2-135M and MiniLM have their real weights: SINTER_REAL (or else build/models) is a folder with smollm2/int4, which
'tools/demo.sh --model smollm2' makes, and with minilm/legacy_hidden, minilm/legacy_hidden_int8mm and minilm/fused_hidden_int8mm, each
with a model.onnx. Without its file SmolLM2 gets random weights, and MiniLM is left out. Nothing else should run meanwhile."""


def choices(allowed):
    def parse(text):
        values = [v for v in text.split(",") if v]
        for value in values:
            if value not in allowed:
                raise argparse.ArgumentTypeError(f"'{value}' is none of {', '.join(allowed)}")
        return values
    return parse


def counts(text):
    try:
        values = [int(v) for v in text.split(",")]
    except ValueError:
        values = [0]
    if min(values) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no list of positive numbers")
    return values


def parse(arguments=None):
    parser = argparse.ArgumentParser(prog="bench/run", description=DESCRIPTION, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two short rounds; docs/ stays as it is")
    parser.add_argument("--models", type=choices(MODELS), default=list(MODELS), metavar="NAME,...", help=f"of {', '.join(MODELS)} (default: all)")
    parser.add_argument("--peers", type=choices(PEERS), default=list(PEERS), metavar="NAME,...", help=f"of {', '.join(PEERS)} (default: all)")
    parser.add_argument("--threads", type=counts, default=[1, 2], metavar="N,...", help="numbers of threads (default: 1,2)")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds (default: 5, with --quick 2)")
    parser.add_argument("--float", action="store_true", help="also compile tinyllama from f32 (4.4 GB) to int4")
    parser.add_argument("--compile", action="store_true", help="only make the models and compile them")
    parser.add_argument("--report", action="store_true", help="measure nothing, write docs/ from the results at hand")
    args = parser.parse_args(arguments)
    args.rounds = args.rounds or (2 if args.quick else 5)
    if args.rounds < 1:
        parser.error("--rounds is at least 1")
    return args
