# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""cuts.py LIBRARY FOLDER: a library that is cut off anywhere in what is loaded is refused in one sentence that names it, by every command that opens it."""
import struct
import subprocess
import sys
from pathlib import Path

data, folder = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2])
cut = folder / "cut.so"
first, = struct.unpack_from("<Q", data, 32)
count, = struct.unpack_from("<H", data, 56)
segments = [struct.unpack_from("<IIQQQQQQ", data, first + 56 * i) for i in range(count)]
end = max(s[2] + s[5] for s in segments if s[0] == 1)
sizes = [0, 1, 4, 63, 64, 100, 500, 1000, *(end * i // 16 for i in range(1, 16)), end - 1]
for size in sizes:
    cut.write_bytes(data[:size])
    for command in (("inspect",), ("run", "--prompt", "a"), ("bench",))[:3 if size == sizes[-4] else 1]:
        done = subprocess.run(["sinter", command[0], cut, *command[1:]], capture_output=True, text=True)
        if done.returncode != 1 or done.stdout or len(done.stderr.splitlines()) != 1 or not done.stderr.startswith("sinter: ") or str(cut) not in done.stderr:
            sys.exit(f"{size} of {len(data)} bytes, {command[0]}: exit code {done.returncode}, {done.stderr}{done.stdout}")
print(f"{len(sizes)} refused")
