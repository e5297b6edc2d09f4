# Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
"""fails.py CODE MESSAGE COMMAND...: passes where the command ends with CODE, prints one line on standard error, MESSAGE (in which ... stands for
anything), and nothing on standard output."""
import re
import subprocess
import sys

code, message, *command = sys.argv[1:]
done = subprocess.run(command, capture_output=True, text=True)
got = done.stderr.rstrip("\n")
matches = re.fullmatch(".*".join(map(re.escape, message.split("..."))), got)
if done.returncode != int(code) or not matches or done.stdout:
    sys.exit(f"{' '.join(command)}: code {done.returncode}, expected {code}\nstderr: {got}\nexpected: {message}\nstdout: {done.stdout}")
