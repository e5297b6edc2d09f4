# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""show.py FILE.npz...: names, shapes and last elements."""
import sys

import numpy as np

for path in sys.argv[1:]:
    with np.load(path) as file:
        for name in file.files:
            print(name, file[name].shape, f"{file[name].ravel()[-1]:.2f}")
