# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""The model that ships: its perplexity on the held-out text is what its README says (onnxruntime), so the files belong together."""
import math
import re

import numpy as np
from tokenizers import Tokenizer

from harness import HERE, Checks, Reference, decoder_steps

WINDOW = 512


def main():
    folder = HERE.parent / "models" / "kjv"
    stated = float(re.search(r"perplexity of \*\*([\d.]+)\*\*", (folder / "README.md").read_text())[1])
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    chapters = (folder / "heldout.txt").read_text().strip().split("\n\n")
    ids = [i for chapter in chapters for i in [0, *tokenizer.encode(chapter).ids]]
    reference = Reference(folder / "model.onnx")
    total = 0.0
    for first in range(0, len(ids) - 1, WINDOW):
        piece = ids[first:first + WINDOW + 1]
        x = reference.run(decoder_steps(piece, [len(piece) - 1]))[0]["logits"][0].astype(np.float64)
        x -= x.max(-1, keepdims=True)
        total += (np.log(np.exp(x).sum(-1)) - x[np.arange(len(x)), piece[1:]]).sum()
    perplexity = math.exp(total / (len(ids) - 1))
    checks = Checks()
    checks.that(abs(perplexity / stated - 1) < 1e-3, f"perplexity {perplexity:.3f}, the README says {stated:.3f}")
    checks.finish()


if __name__ == "__main__":
    main()
