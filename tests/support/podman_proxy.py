"""A socket between an operator and its Podman, that a scenario can make late, deaf or deadly."""

import contextlib
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

_CALL = re.compile(r"/libpod/containers/([^/?]+)(?:/(\w+))?(?:\?|$)")


def verb(method: str, path: str) -> str:
    """``list``, ``create``, ``start``, ``stop``, ``remove``, or ``""`` for everything else."""
    found = _CALL.search(path)
    if found is None:
        return ""
    first, second = found[1], found[2]
    if method == "DELETE":
        return "remove"
    if method == "POST":
        return first if first == "create" else second or ""
    return "list" if first == "json" else ""


class PodmanProxy:
    """Hooks get the verb of each call, from a thread of their own.

    ``before`` runs before the call is passed on; ``lag_s`` says how long its answer is held back; when ``cut`` is
    true the client's connection ends at once, and the call is carried out all the same.  ``calls`` counts by verb.
    """

    def __init__(self, upstream: Path, path: Path) -> None:
        self.path = path
        self.before: Callable[[str], None] = lambda _verb: None
        self.lag_s: Callable[[str], float] = lambda _verb: 0
        self.cut: Callable[[str], bool] = lambda _verb: False
        self.calls: Counter[str] = Counter()
        self._upstream = upstream
        self._closed = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(128)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def close(self) -> None:
        self._closed.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """One request; the answer ends with the connection, so that nothing of it has to be understood."""
        with contextlib.closing(client), contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as service:
            request, called = _request(client)
            if not request:
                return
            self.calls[called] += 1
            self.before(called)
            service.connect(str(self._upstream))
            service.sendall(request)
            cut = self.cut(called)
            if cut:
                client.shutdown(socket.SHUT_RDWR)
            if (lag := self.lag_s(called)) and not cut:
                answer = b"".join(_chunks(service))
                self._closed.wait(lag)
                client.sendall(answer)
                return
            threading.Thread(target=_end_with, args=(client, service), daemon=True).start()
            for chunk in _chunks(service):
                if not cut:
                    client.sendall(chunk)
            client.shutdown(socket.SHUT_RDWR)  # closing alone would not end it under the thread that reads it


def _request(client: socket.socket) -> tuple[bytes, str]:
    """The whole request, asking for a connection that ends after it, and its verb; empty when there is none."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = client.recv(65536)
        if not chunk:
            return b"", ""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    first, *headers = head.decode("latin-1").split("\r\n")
    kept = [line for line in headers if not line.lower().startswith("connection:")]
    length = next((int(line.partition(":")[2]) for line in kept if line.lower().startswith("content-length:")), 0)
    while len(body) < length:
        body += client.recv(65536)
    method, path, _version = first.split(" ")
    text = "\r\n".join([first, *kept, "Connection: close", "", ""])
    return text.encode("latin-1") + body, verb(method, path)


def _chunks(service: socket.socket) -> Iterator[bytes]:
    with contextlib.suppress(ConnectionError):
        while chunk := service.recv(65536):
            yield chunk


def _end_with(client: socket.socket, service: socket.socket) -> None:
    """A client that goes away during a stream takes its call along."""
    with contextlib.suppress(OSError):
        if client.recv(1) == b"" and client.fileno() >= 0:
            service.shutdown(socket.SHUT_RDWR)
