#!/usr/bin/env python3
# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""Perplexity of a compiled decoder: perplexity.py MODEL.so --tokenizer tokenizer.json --text FILE [--start ID] [--windows N]

The text's paragraphs, each behind the token --start if that is given, are cut into windows of 512 tokens; each is run from an empty
cache, and every token but a window's first is predicted. Prints the perplexity alone.
"""
import argparse
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

WINDOW = 512


def window_loss(sinter, library, ids, folder, positions):
    """The sum of the negative log likelihoods of ids[1:]."""
    n = len(ids) - 1
    case = {"input_ids": np.array([ids[:-1]], np.int64), "attention_mask": np.ones((1, n), np.int64)}
    if positions:
        case["position_ids"] = np.arange(n, dtype=np.int64)[None]
    np.savez(folder / "case.npz", **{f"0/in/{name}": array for name, array in case.items()})
    done = subprocess.run([sinter, "run", library, "--steps", folder / "case.npz", "--outputs", folder / "out.npz"],
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr.strip())
    with np.load(folder / "out.npz") as outputs:
        logits = outputs["0/out/logits"][0].astype(np.float64)
    logits -= logits.max(axis=-1, keepdims=True)
    return float((np.log(np.exp(logits).sum(axis=-1)) - logits[np.arange(n), ids[1:]]).sum())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", type=Path)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--start", type=int, help="token put in front of every paragraph")
    parser.add_argument("--windows", type=int, default=16)
    parser.add_argument("--no-positions", action="store_true", help="the model has no input position_ids")
    parser.add_argument("--sinter", default=Path(__file__).resolve().parent.parent / "build" / "bin" / "sinter")
    args = parser.parse_args()

    tokenizer = Tokenizer.from_file(args.tokenizer)
    before = [] if args.start is None else [args.start]
    ids = [i for paragraph in args.text.read_text().strip().split("\n\n")
           for i in before + tokenizer.encode(paragraph, add_special_tokens=False).ids]
    total = count = 0
    with tempfile.TemporaryDirectory() as folder:
        for first in range(0, min(len(ids) - 1, args.windows * WINDOW), WINDOW):
            piece = ids[first:first + WINDOW + 1]
            total += window_loss(args.sinter, args.library, piece, Path(folder), not args.no_positions)
            count += len(piece) - 1
    print(f"{math.exp(total / count):.3f}")


if __name__ == "__main__":
    main()
