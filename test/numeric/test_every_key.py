# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""Keys that a mask hides may be skipped: exporters' decoders give the same bits as with every key. python test_every_key.py

With a prompt of several blocks, with and without padding on its left (rows that see padding only are averages of everything
where the mask is a finite number), and steps behind it.
"""
import tempfile
from pathlib import Path

import numpy as np

from harness import Checks, models_folder, sinter, sinter_steps

ENTRIES = ["gpt2-optimum", "llama-dynamo", "llama-legacy", "llama-legacy-eager", "llama-legacy-fp16", "llama-tf", "gemma2-dynamo", "qwen3-optimum"]


def steps(names, padding):
    at, result = 0, []
    for n in (200, 1, 3, 60):
        mask = np.ones((1, at + n), np.int64)
        mask[:, :padding] = 0
        step = {"input_ids": np.arange(at, at + n)[None] * 7 % 50, "attention_mask": mask, "position_ids": np.arange(at, at + n)[None]}
        result.append({name: value for name, value in step.items() if name in names})
        at += n
    return result


def main():
    import onnx
    checks = Checks()
    for entry in ENTRIES:
        model = models_folder("zoo", entry) / "model.onnx"
        names = [i.name for i in onnx.load(str(model), load_external_data=False).graph.input]
        with tempfile.TemporaryDirectory() as folder:
            library, every = Path(folder) / "model.so", Path(folder) / "every.so"
            sinter("compile", model, "-o", library, "--max-seq=300")
            sinter("compile", model, "-o", every, "--max-seq=300", "--every-key")
            checks.that("every key is read" not in sinter("inspect", library), f"{entry}: bounds are found")
            for padding in (0, 90):
                runs = [sinter_steps(l, steps(names, padding)) for l in (library, every)]
                same = all(np.array_equal(a.view(np.uint8), b.view(np.uint8)) for x, y in zip(*runs) for a, b in zip(x.values(), y.values()))
                finite = np.isfinite(runs[0][0]["logits"][:, padding:].astype(np.float32)).all()
                checks.that(same and finite, f"{entry}: padding of {padding}: the same bits")
    checks.finish()


if __name__ == "__main__":
    main()
