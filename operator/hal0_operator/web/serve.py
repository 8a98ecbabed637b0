"""The two listeners, TCP and the socket file, as one server on the running event loop."""

import asyncio
import contextlib
import errno
import os
import socket
import stat
from collections.abc import Generator

import anyio
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from hal0_operator.web.connection import Connection
from hal0_operator.web.sse import CLOSING

SOCKET_MODE = 0o660
LONGEST_SOCKET_PATH = 107
"""Bytes that Linux has for the path of a socket, its closing NUL apart."""

GRACE_S = 1
"""Seconds that answers under way may take once the server closes."""

FINISH_S = 9.0
"""Seconds for what is cancelled then: most ends at once, some may not be cut (``gateway.limits.finish_s``).

The units in ``deploy/systemd`` give the operator 15 seconds in all.
"""

KEEP_ALIVE_S = 75
"""Longer than the pools of usual clients keep a connection, so that none sends on one that is being closed."""


class CannotListen(Exception):
    """A listener cannot be: ``args[0]`` says which, why, and what to do."""


class _Server(uvicorn.Server):
    """uvicorn without signal handlers, without a ticking main loop, and closed by an event."""

    def __init__(self, config: uvicorn.Config, shutdown: anyio.Event) -> None:
        super().__init__(config)
        self._shutdown = shutdown

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self.server_state.tasks:  # cancelled a moment ago; each tells its client, or ends what it must
            await asyncio.wait(tuple(self.server_state.tasks), timeout=FINISH_S)

    async def main_loop(self) -> None:
        await self.on_tick(0)  # fills the default headers; ten ticks a second would be idle work
        await self._shutdown.wait()


async def serve(app: ASGIApp, listen: str, socket_path: str, shutdown: anyio.Event) -> None:
    """Serve ``app`` on ``listen`` (``127.0.0.1:8080``) and on a socket file until ``shutdown``.

    Streams end at once then, other answers within ``GRACE_S``, what may not be cut within ``FINISH_S``.
    Raises ``CannotListen``.
    """

    async def closing(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, CLOSING: shutdown}, receive, send)

    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(tcp_socket(listen)), stack.enter_context(unix_socket(socket_path))]
        config = uvicorn.Config(
            closing,
            http=Connection,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="critical",  # what is below anyone may send, a line each; the applications log their own faults
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_S,
            timeout_keep_alive=KEEP_ALIVE_S,
        )
        await _Server(config, shutdown).serve(sockets)


@contextlib.contextmanager
def tcp_socket(listen: str) -> Generator[socket.socket, None, None]:
    """A bound TCP socket for ``HOST:PORT`` or ``[HOST]:PORT``; port 0 takes any."""
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    if not (host and port.isascii() and port.isdigit() and int(port) < 1 << 16):
        raise CannotListen(f"cannot listen on {listen!r}: write HOST:PORT, such as 127.0.0.1:8080")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only of a socket that says TCP does asyncio switch Nagle's delay off; it would add 40 ms to answers in two parts.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setblocking(False)
        try:
            bound.bind((host, int(port)))
        except OSError as fault:
            if fault.errno == errno.EADDRINUSE:
                why = "the port is in use; end what holds it, or choose another with --listen"
            else:
                why = fault.strerror or str(fault)
            raise CannotListen(f"cannot listen on {listen}: {why}") from fault
        yield bound


@contextlib.contextmanager
def unix_socket(path: str) -> Generator[socket.socket, None, None]:
    """A bound socket file of mode 0660, in the place of one that a dead operator left; removed at the end."""
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        message = f"{path}: a socket's path has at most {LONGEST_SOCKET_PATH} bytes; choose a shorter --state-dir"
        raise CannotListen(message)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bound:
        bound.setblocking(False)
        try:
            _remove_stale(path)
            bound.bind(path)
            os.chmod(path, SOCKET_MODE)  # before listen(): until then nobody can connect
            mine = os.stat(path)
        except OSError as fault:
            raise CannotListen(f"cannot listen on {path}: {fault.strerror}") from fault
        try:
            yield bound
        finally:
            _remove_own(path, mine)


def _remove_stale(path: str) -> None:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise CannotListen(f"cannot listen on {path}: something that is no socket is there; move it away")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            return
        except OSError as fault:
            raise CannotListen(f"cannot listen on {path}: {fault.strerror or fault}") from fault
    raise CannotListen(f"cannot listen on {path}: another operator answers there")


def _remove_own(path: str, mine: os.stat_result) -> None:
    with contextlib.suppress(OSError):
        now = os.lstat(path)
        if (now.st_dev, now.st_ino) == (mine.st_dev, mine.st_ino):
            os.unlink(path)
