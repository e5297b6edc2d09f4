# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""gpt-nano-sort compiled, against its stored activations at every stage, and sorting."""
import itertools
import tempfile
from pathlib import Path

import numpy as np

import make_nanosort
from harness import Checks, models_folder, sinter, sinter_steps


def main():
    source = models_folder("models", "gpt-nano-sort")
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        model = make_nanosort.write(source, folder)
        library = folder / "model.so"
        sinter("compile", model, "-o", library, "--dim", "batch_size=1..8", "--dim", "sequence_length=1..11")
        stored, _ = make_nanosort.read_json(source / "t0-partials.json")
        out = sinter_steps(library, [{"idx": stored["idx"].astype(np.int64)}])[0]
        stored["logits"] = stored.pop("lm_head")
        checks.close([out], [{k: stored[k].reshape(out[k].shape) for k in out if k in stored}], 1e-4, f"{len(out)} activations")

        letters = list(itertools.product(range(3), repeat=6))[::91]
        for start in letters:
            ids = list(start)
            for _ in range(6):
                ids.append(int(sinter_steps(library, [{"idx": np.array([ids], np.int64)}])[0]["logits"][0, -1].argmax()))
            if ids[6:] != sorted(start):
                checks.that(False, f"{start} sorted as {ids[6:]}")
        checks.that(True, f"{len(letters)} rows of letters sorted")
    checks.finish()


if __name__ == "__main__":
    main()
