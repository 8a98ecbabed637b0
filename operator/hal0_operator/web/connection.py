"""One connection of a client: it may neither wait for ever nor send a head without end.

The server that it extends has no bound on either, and a program on this machine needs no token to connect.
"""

import asyncio
import resource
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hal0_operator.web.joined import Joined

CONNECTIONS = 4096
"""Over TCP at a time, where this process may have enough descriptors.  The socket file has no bound."""

HEAD_LIMIT = 65_536
"""Bytes that may come without completing a head or bringing a piece of a body; a browser's head has some 1,000."""

HEAD_S = 10.0
"""Seconds for the head of a request, the first from when the connection was made."""

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
        self._unspent = 0
        self._patience: asyncio.TimerHandle | None = None

    @property
    def over_tcp(self) -> bool:
        return self.server is None or self.server[1] is not None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its base has it
        super().connection_made(Joined(transport))
        others = sum(isinstance(other, Connection) and other.over_tcp for other in self.connections)
        if self.over_tcp and others > most():
            transport.write(_TOO_MANY)
            transport.close()
        else:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._progressed = False
        super().data_received(data)
        self._unspent = 0 if self._progressed else self._unspent + len(data)
        idle = self.cycle is None or self.cycle.response_complete
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
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._progressed = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._progressed = True
        super().on_message_complete()

    def _wait(self) -> None:
        self._patience = self.loop.call_later(HEAD_S, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
