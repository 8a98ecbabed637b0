"""Programs of the machine, run with fixed arguments and a time limit."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from typing import Any, NamedTuple

LIMIT_S = 20.0
"""A list that waits for a container's start takes some 400 ms; more means that Podman hangs."""


class Said(NamedTuple):
    """``error`` is the last line of a failure, ``""`` on success."""

    text: str
    error: str = ""

    def json(self) -> Any:
        """The text as JSON; ``None`` where it is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None


def say(words: Sequence[str]) -> Said:
    """Run a program; what goes wrong becomes ``error``."""
    program = shutil.which(words[0]) or shutil.which(words[0], path="/usr/sbin:/sbin")
    if program is None:
        return Said("", f"{words[0]} is not installed")
    try:
        done = subprocess.run(
            [program, *words[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LIMIT_S,
            text=True,
            errors="replace",
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Said("", f"{words[0]} did not answer within {LIMIT_S:g} s")
    except OSError as error:
        return Said("", f"{words[0]}: {error.strerror}")
    if done.returncode == 0:
        return Said(done.stdout)
    lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return Said(done.stdout, lines[-1])
