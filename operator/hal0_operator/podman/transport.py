"""One bounded call, or one stream that another thread may cut off.

Calls share one pooled client, which is safe from many threads.  Each stream has a client of its own, so that
its socket is known and belongs to it alone: shutting that socket down wakes the reader at once, in the middle of
a body and also while the service has not answered yet, where there is no response to close.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from socket import SHUT_RDWR, socket
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec
import podman
import urllib3.exceptions
from podman.api.client import APIClient, APIResponse

from hal0_operator.podman.errors import fault, fault_of_answer, fault_of_transport
from hal0_operator.seams.podman import PodmanFault

CONNECT_S = 2.0
"""To a local socket a connection takes microseconds; a full backlog is refused at once."""
POOL = 32
"""Idle connections kept: one for each worker thread that may call at a time."""
_JSON = {"Content-Type": "application/json"}
_FAILURES = (OSError, urllib3.exceptions.HTTPError)
"""requests' and podman-py's own errors are all OSErrors; reading a stream adds urllib3's."""

Method = Literal["get", "post", "delete"]
Params = Mapping[str, str | int]
T = TypeVar("T")


class Unavailable(Exception):
    """No service, and none could be started; the message says what to do."""


class Request(msgspec.Struct, frozen=True):
    """``what`` is the call in words, for its fault.  ``limit_s`` bounds each silence, the first included."""

    what: str
    method: Method
    path: str
    limit_s: float
    params: Params = {}
    body: bytes = b""


class Answer(NamedTuple):
    status: int
    body: bytes


class Transport:
    """``revive`` is called when nothing listens, before the one repetition that is safe: nothing was sent."""

    def __init__(self, url: str, revive: Callable[[], None] | None = None) -> None:
        self._url = url
        self._revive = revive
        self._api = _client(url, POOL)

    def call(self, request: Request) -> Answer:
        """The answer, 2xx or 304.  Raises PodmanFault."""

        def send() -> Answer:
            response = _send(self._api, request, stream=False)
            return Answer(response.status_code, response.content)

        answer = self._attempt(request.what, send)
        if answer.status >= 400:
            raise PodmanFault(fault_of_answer(request.what, *answer))
        return answer

    def open(self, stream: "Stream", request: Request) -> None:
        """Send, and wait for the status.  Raises PodmanFault; a cancelled stream opens empty."""

        def send() -> APIResponse:
            api = _client(self._url, 1)
            _report_socket(api, stream.connected)
            return _send(api, request, stream=True)

        try:
            response = self._attempt(request.what, send)
        except PodmanFault:
            if stream.cancelled:
                return
            raise
        if response.status_code >= 400:
            with suppress(*_FAILURES):
                raise PodmanFault(fault_of_answer(request.what, response.status_code, response.content))
        stream.answered(response)

    def close(self) -> None:
        self._api.close()

    def _attempt(self, what: str, send: Callable[[], T]) -> T:
        try:
            return send()
        except _FAILURES as error:
            failed = fault_of_transport(f"{what} at {self._url}", error)
        if self._revive is None or failed.kind != "unreachable":
            raise PodmanFault(failed)
        try:
            self._revive()
            return send()
        except Unavailable as error:
            raise PodmanFault(fault("unreachable", what, str(error))) from error
        except _FAILURES as error:
            raise PodmanFault(fault_of_transport(what, error)) from error


class Stream:
    """Bytes as they come.  ``cancel`` may be called from any thread, before, during and after."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.cancelled = False
        self._lock = threading.Lock()
        self._socket: socket | None = None
        self._response: APIResponse | None = None

    def cancel(self) -> None:
        with self._lock:
            self.cancelled = True
            self._cut()

    def connected(self, connection: socket) -> None:
        with self._lock:
            self._socket = connection
            if self.cancelled:
                self._cut()

    def answered(self, response: APIResponse) -> None:
        self._response = response

    def unlimited(self) -> None:
        """From here on silence is no failure: nothing happening is what an event stream says by it."""
        if self._socket is not None:
            self._socket.settimeout(None)

    def __iter__(self) -> Iterator[bytes]:
        """Ends when cancelled.  Raises PodmanFault (``unknown_outcome``) when cut off."""
        if self._response is None:
            return
        try:
            yield from self._response.iter_content(chunk_size=None)
        except _FAILURES as error:
            if not self.cancelled:
                raise PodmanFault(fault_of_transport(self.what, error)) from error
        finally:
            # Closing a response reads on to its end; without its socket there is nothing left to wait for.
            self._cut()
            self._response.close()

    def lines(self) -> Iterator[bytes]:
        """Without their ends, empty ones left out."""
        rest = b""
        for chunk in self:
            *whole, rest = (rest + chunk).split(b"\n")
            yield from filter(None, whole)
        if rest:
            yield rest

    def _cut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(SHUT_RDWR)


def _client(url: str, connections: int) -> APIClient:
    return podman.PodmanClient(base_url=url, max_pool_size=connections).api


def _send(api: APIClient, request: Request, *, stream: bool) -> APIResponse:
    timeout = (CONNECT_S, request.limit_s)
    common: dict[str, Any] = {"params": request.params, "timeout": timeout, "stream": stream}
    match request.method:
        case "get":
            return api.get(request.path, **common)
        case "post":
            return api.post(request.path, data=request.body, headers=_JSON, **common)
        case "delete":
            return api.delete(request.path, **common)


def _report_socket(api: APIClient, connected: Callable[[socket], None]) -> None:
    """Have each new connection of this client hand its socket to ``connected``."""
    adapter: Any = api.get_adapter("http://")

    def reporting(pool: Any) -> Any:
        def connect(self: Any) -> None:
            pool.ConnectionCls.connect(self)
            connected(self.sock)

        connection = type("Connection", (pool.ConnectionCls,), {"connect": connect})
        return type("Pool", (pool,), {"ConnectionCls": connection})

    pools = adapter.poolmanager.pool_classes_by_scheme
    adapter.poolmanager.pool_classes_by_scheme = {scheme: reporting(pool) for scheme, pool in pools.items()}
