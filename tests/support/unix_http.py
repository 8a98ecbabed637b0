"""HTTP over a socket file, and the server-sent events of an answer."""

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def events(response: http.client.HTTPResponse) -> Iterator[tuple[str, Any]]:
    """Server-sent events as (name, JSON); ``("", None)`` for each heartbeat."""
    event, data = "", ""
    for raw in response:
        line = raw.decode().rstrip("\n").rstrip("\r")
        if line.startswith(":"):
            yield "", None
        elif line.startswith("event:"):
            event = line[6:].strip()
        elif line.startswith("data:"):
            data += line[5:].strip()
        elif not line and data:
            yield event, json.loads(data)
            event, data = "", ""
