"""fails.py CODE MESSAGE COMMAND...: passes where the command ends with CODE, prints one line on standard error, MESSAGE (or a line that
begins with it, where MESSAGE ends in ...), and nothing on standard output."""
import subprocess
import sys

code, message, *command = sys.argv[1:]
done = subprocess.run(command, capture_output=True, text=True)
got = done.stderr.rstrip("\n")
matches = got.startswith(message[:-3]) and "\n" not in got if message.endswith("...") else got == message
if done.returncode != int(code) or not matches or done.stdout:
    sys.exit(f"{' '.join(command)}: code {done.returncode}, expected {code}\nstderr: {got}\nexpected: {message}\nstdout: {done.stdout}")
