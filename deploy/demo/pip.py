"""pip, quiet unless it fails."""

import subprocess
import sys

LAST_LINES = 12


def pip(verb: str, *words: str) -> None:
    """Run ``pip VERB``; ends the program with pip's last lines on failure."""
    command = [sys.executable, "-m", "pip", verb, "--quiet", "--disable-pip-version-check", "--no-deps", *words]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-LAST_LINES:])
        raise SystemExit(f"\n{last}\npip {verb} {words[-1]} failed; is a package index within reach?")
