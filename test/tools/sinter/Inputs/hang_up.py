# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""hang_up.py WORD COMMAND...: reads the command's messages up to the line that begins with WORD, as head does, and no further. Prints how it ended."""
import subprocess
import sys

word, *command = sys.argv[1:]
process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
while (line := process.stderr.readline()) and not line.startswith(word):
    pass
process.stderr.close()
print("ended with", process.wait())
