"""The ports that the operator and its slots would listen on."""

import os
import socket
from collections.abc import Iterator

from hal0_operator.cli.diagnosis.finding import Finding, ok, warn
from hal0_operator.model.slot import PORTS

LISTEN = 8080


def look() -> Iterator[Finding]:
    if error := _refused(LISTEN):
        yield warn(
            "ports",
            f"127.0.0.1:{LISTEN}: {error}",
            "fine while the operator itself runs; else `run --listen 127.0.0.1:PORT`",
        )
    else:
        yield ok("ports", f"127.0.0.1:{LISTEN} is free for the API")
    taken = [port for port in PORTS if _refused(port)]
    shown = ", ".join(map(str, taken))
    if len(taken) == len(PORTS):
        yield warn(
            "ports", f"none of {PORTS[0]}..{PORTS[-1]} is free", "give every slot a port of its own, or free some"
        )
    else:
        yield ok(
            "ports",
            f"{len(PORTS) - len(taken)} of {PORTS[0]}..{PORTS[-1]} are free{f'; in use: {shown}' if taken else ''}",
        )


def _refused(port: int) -> str:
    """Why the port cannot be bound; ``""`` when it can."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            return os.strerror(error.errno) if error.errno else str(error)
    return ""
