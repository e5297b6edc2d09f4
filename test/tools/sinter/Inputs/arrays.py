# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""arrays.py FOLDER: versions of the toy's in.npz that it cannot run."""
import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
with np.load(folder / "in.npz") as z:
    good = dict(z)
save = lambda name, **changed: np.savez(folder / f"{name}.npz", **{k: v for k, v in {**good, **changed}.items() if v is not None})
save("type", input_ids=good["input_ids"].astype(np.float32))
save("rank", input_ids=good["input_ids"][0])
save("shape", attention_mask=np.ones((1, 2), np.int64))
save("missing", attention_mask=None)
save("more", more=np.zeros(3))
save("text", input_ids=np.array([["a", "b"]]))
data = (folder / "in.npz").read_bytes()
(folder / "cut.npz").write_bytes(data[:len(data) // 2])
