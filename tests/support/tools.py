"""Programs that deploy/setup unpacked for the tests, installed nowhere."""

import os
from pathlib import Path

TOOLS = Path(__file__).parents[2] / ".run/tools"


def found() -> None:
    """They come before the machine's own, for this process and all that it starts; node finds what npm got."""
    os.environ["PATH"] = os.pathsep.join([f"{TOOLS}/usr/bin", f"{TOOLS}/bin", os.environ["PATH"]])
    os.environ["NODE_PATH"] = f"{TOOLS}/javascript/node_modules"
