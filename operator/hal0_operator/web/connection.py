"""One connection of a client: it may neither wait for ever nor send a head without end.

The server that it extends has no bound on either, and a program on this machine needs no token to connect.
"""

import asyncio
import fcntl
import re
import resource
import struct
import termios
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from hal0_operator.gateway.client import UNSENT
from hal0_operator.web.joined import Joined
from hal0_operator.web.unframed import Unframed

CONNECTIONS = 4096
"""Over TCP at a time, where this process may have enough descriptors.  The socket file has no bound."""

HEAD_LIMIT = 65_536
"""Bytes that may come without completing a head or bringing a piece of a body; a browser's head has some 1,000."""

HEAD_S = 10.0
"""Seconds for the head of a request, the first from when the connection was made."""

AHEAD = 8
"""Requests that a client may send before their turn, with ``AHEAD_BYTES`` of the last one's body.

Reading goes on meanwhile: behind what is left unread the end of the client would not be seen.
"""
AHEAD_BYTES = 65_536

_UPGRADE = re.compile(rb"\r\nupgrade[ \t]*:[^\r\n]*", re.IGNORECASE)
"""Nothing else is spoken here, which a server is to answer as if it had not been asked for; the parser would stop."""

_EMPTY = b"content-length: 0\r\nconnection: close\r\n\r\n"
_TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\n" + _EMPTY
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\n" + _EMPTY


def most() -> int:
    """A quarter of the descriptors: each connection may need another one to a container, and files are opened too."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS if allowed == resource.RLIM_INFINITY else min(CONNECTIONS, allowed // 4)


class Connection(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with bounds; the names of its methods are asyncio's and the parser's."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._progressed = False
        self._running: RequestResponseCycle | None = None
        self._unspent = 0
        self._patience: asyncio.TimerHandle | None = None

    @property
    def over_tcp(self) -> bool:
        return self.server is None or self.server[1] is not None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its base has it
        self._bare = transport
        self._joined = Joined(transport)
        super().connection_made(self._joined)
        self._socket = transport.get_extra_info("socket")
        if self.over_tcp and self._are_too_many():
            transport.write(_TOO_MANY)
            transport.close()
        else:
            self._wait()

    def _are_too_many(self) -> bool:
        bound = most()
        if len(self.connections) <= bound:
            return False
        return sum(isinstance(other, Connection) and other.over_tcp for other in self.connections) > bound

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        for cycle in (self._running, *(waiting for waiting, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._progressed = False
        super().data_received(self._without_upgrade(data) if self._is_idle else data)
        self._unspent = 0 if self._progressed else self._unspent + len(data)
        idle = self._is_idle
        if self._unspent > HEAD_LIMIT:
            if idle:
                self.transport.write(_TOO_LARGE)
            self.transport.close()
        elif not idle:
            self._wait_no_more()
        elif self._patience is None:
            self._wait()

    def on_headers_complete(self) -> None:
        self._progressed = True
        if self._is_idle and self.parser.get_http_version() == "1.0":
            self._joined = self.transport = Unframed(self._bare)
        super().on_headers_complete()
        self.headers = []  # what comes after the body is no head: it must not join the one that was looked at
        self._bound_ahead()

    def on_body(self, body: bytes) -> None:
        self._progressed = True
        super().on_body(body)
        if self.pipeline:
            self._bound_ahead()

    def on_message_complete(self) -> None:
        self._progressed = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._joined.flush()  # to a HEAD nothing is written after the head
        super().on_response_complete()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[UNSENT] = self.unsent  # type: ignore[literal-required]  # a name of ours

    def unsent(self) -> int:
        """Bytes that were written here and that the client's machine has not taken; -1: the connection has ended."""
        try:
            (held,) = struct.unpack("i", fcntl.ioctl(self._socket, termios.TIOCOUTQ, b"\0" * 4))
        except (OSError, ValueError):
            return -1
        return int(held) + self.transport.get_write_buffer_size()

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    @staticmethod
    def _without_upgrade(data: bytes) -> bytes:
        if b"pgrade" not in data and b"PGRADE" not in data:
            return data
        head, end, rest = data.partition(b"\r\n\r\n")
        return _UPGRADE.sub(b"", head) + end + rest

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _bound_ahead(self) -> None:
        if len(self.pipeline) > AHEAD or (self.pipeline and len(self.cycle.body) > AHEAD_BYTES):
            self.transport.close()
        elif self.pipeline:
            self.flow.resume_reading()

    def _wait(self) -> None:
        self._patience = self.loop.call_later(HEAD_S, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
