"""A FakeOperator behind the real server, on a free port and a socket file."""

import contextlib
import random
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio

from hal0_operator.model.settings import Settings
from hal0_operator.web.app import build
from hal0_operator.web.serve import serve
from tests.support.fake_operator import FakeOperator

TOKEN = "s3cret-token"


class Served:
    """``call`` runs a function of the operator on the server's event loop, where it lives."""

    def __init__(self, operator: FakeOperator, port: int, state: Path) -> None:
        self.operator = operator
        self.port = port
        self.state = state
        self.socket = state / "operator.sock"
        self._portal: Any = None
        self._shutdown: Any = None

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        return self._portal.call(function, *args)

    def shut(self) -> None:
        """What SIGTERM does."""
        self._portal.call(self._shutdown.set)


def free_port() -> int:
    """Not one of those that the kernel gives to whoever asks for any: it would give this one to another by then."""
    while True:
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", random.randrange(10_000, 20_000)))
            return int(probe.getsockname()[1])


@contextlib.contextmanager
def served(operator: FakeOperator, state: Path) -> Iterator[Served]:
    """Serve from a thread until the block ends; a connect succeeds from the first line of the block."""
    here = Served(operator, free_port(), state)
    with anyio.from_thread.start_blocking_portal() as portal:
        here._portal = portal
        here._shutdown = shutdown = portal.call(anyio.Event)
        app = build(operator, TOKEN, Settings(listen=f"127.0.0.1:{here.port}"))
        running = portal.start_task_soon(serve, app, f"127.0.0.1:{here.port}", str(here.socket), shutdown)
        _wait_for(here, running)
        try:
            yield here
        finally:
            portal.call(shutdown.set)
            running.result(timeout=30)


def _wait_for(here: Served, running: Any) -> None:
    pause = threading.Event()
    for _ in range(500):
        if running.done():
            running.result()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", here.port), 1):
            with socket.socket(socket.AF_UNIX) as second:  # it begins to listen a moment later
                second.connect(str(here.socket))
                return
        pause.wait(0.01)
    raise AssertionError("the server did not come up within five seconds")
