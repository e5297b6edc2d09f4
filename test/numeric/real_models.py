# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""The models with real weights: where their files are, and what they must give (SINTER_MODELS' real/README.md says how both were made).

SINTER_REAL names a folder with smollm2/f32 and smollm2/int4 as tools/models/smollm2.py writes them, and with minilm/NAME as
real_models.py does; without it that is build/models, which 'tools/demo.sh --model smollm2' fills.
"""
import json
import os
import sys
from pathlib import Path

import numpy as np

from harness import HERE, models_folder


def real_folder(which):
    folder = Path(os.environ.get("SINTER_REAL", HERE.parent.parent / "build" / "models")) / which
    if not folder.exists():
        print(f"skipped: no real weights at {folder} (SINTER_REAL names the folder with them)")
        sys.exit(77)
    return folder


def reference(which):
    return models_folder("real", "reference") / which


def load(path):
    if path.suffix == ".json":
        return json.loads(path.read_text())
    with np.load(path) as z:
        return dict(z)


def negative_log_likelihood(logits, ids):
    """-ln p of every id but the first, from f32 logits [n, vocabulary]."""
    x = logits[:-1].astype(np.float64)
    top = x.max(-1)
    return np.log(np.exp(x - top[:, None]).sum(-1)) + top - x[np.arange(len(x)), np.asarray(ids[1:], np.int64)]
