# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""The zoo of exported models through zoo_check.py: python test_zoo.py first.txt [zoo_check's options...]"""
import os
import subprocess
import sys
from pathlib import Path

from harness import models_folder

zoo = models_folder("zoo")
check = models_folder("tools", "zoo_check.py")
sys.exit(subprocess.run([sys.executable, check, "--sinter", Path(os.environ["SINTER_BIN"]) / "sinter", "--batch1",
                         "--list", zoo / sys.argv[1], *sys.argv[2:], zoo]).returncode)
