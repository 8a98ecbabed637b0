"""A socket between the operator and Podman that notes when which request passes."""

import contextlib
import queue
import socket
import threading
import time
from pathlib import Path
from typing import NamedTuple

METHODS = (b"GET ", b"POST ", b"DELETE ", b"HEAD ")


class Passed(NamedTuple):
    """``at`` is when it came, or when a part of its answer went back: monotonic seconds."""

    method: str
    path: str
    at: float

    @property
    def writes(self) -> bool:
        return self.method != "GET"


class Recorder:
    """Passes bytes both ways; a request is known by its first line, since none is longer than one packet."""

    def __init__(self, behind: Path, front: Path) -> None:
        self._behind = behind
        self.requests: queue.SimpleQueue[Passed] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[Passed] = queue.SimpleQueue()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(front))
        self._listener.listen(64)
        self.url = f"unix://{front}"
        threading.Thread(target=self._accept, daemon=True).start()

    def forget(self) -> None:
        for told in (self.requests, self.answers):
            while not told.empty():
                told.get()

    def first_write(self, timeout: float = 20) -> Passed:
        while not (passed := self.requests.get(timeout=timeout)).writes:
            pass
        return passed

    def first_list(self, timeout: float = 20) -> float:
        """When the first list of containers was answered in full."""
        while True:
            passed = self.answers.get(timeout=timeout)
            if "containers/json" in passed.path:
                return passed.at

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._behind))
                asked: list[Passed] = []
                threading.Thread(target=self._ask, args=(client, server, asked), daemon=True).start()
                threading.Thread(target=self._answer, args=(server, client, asked), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, asked: list[Passed]) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if data.startswith(METHODS):
                    method, path, _ = data.split(b" ", 2)
                    passed = Passed(method.decode(), path.decode(), time.monotonic())
                    asked.append(passed)
                    self.requests.put(passed)
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _answer(self, server: socket.socket, client: socket.socket, asked: list[Passed]) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(262144):
                client.sendall(data)
                if asked:
                    self.answers.put(asked[-1]._replace(at=time.monotonic()))
            client.shutdown(socket.SHUT_WR)
