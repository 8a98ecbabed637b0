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
from podman.api.uds import UDSConnection, UDSSocket

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
    headers: Mapping[str, str]
    """By name in any case."""


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
            return Answer(response.status_code, response.content, response.headers)

        answer = self._attempt(request.what, send)
        if answer.status >= 400:
            raise PodmanFault(fault_of_answer(request.what, answer.status, answer.body))
        return answer

    def open(self, stream: "Stream", request: Request) -> None:
        """Send, and wait for the status.  Raises PodmanFault; a cancelled stream opens empty."""

        def send() -> APIResponse:
            api = _client(self._url, 1, stream.connected)
            stream.carried_by(api)
            return _send(api, request, stream=True)

        try:
            response = self._attempt(request.what, send)
            self._refuse(request.what, response)
        except PodmanFault:
            stream.close()
            if not stream.cancelled:
                raise
        else:
            stream.answered(response)

    def close(self) -> None:
        self._api.close()

    def _refuse(self, what: str, response: APIResponse) -> None:
        if response.status_code >= 400:
            body = self._attempt(what, lambda: response.content)
            raise PodmanFault(fault_of_answer(what, response.status_code, body))

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
        self._read = False
        self._api: APIClient | None = None
        self._socket: socket | None = None
        self._response: APIResponse | None = None

    def cancel(self) -> None:
        with self._lock:
            self.cancelled = True
            self._cut()
            unread = self._response is not None and not self._read
        if unread:
            self.close()

    def carried_by(self, api: APIClient) -> None:
        self._api = api

    def connected(self, connection: socket) -> None:
        with self._lock:
            self._socket = connection
            if self.cancelled:
                self._cut()

    def answered(self, response: APIResponse) -> None:
        with self._lock:
            self._response = response
            cancelled = self.cancelled
        if cancelled:
            self.close()

    def unlimited(self) -> None:
        """From here on silence is no failure: nothing happening is what an event stream says by it."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.settimeout(None)

    def close(self) -> None:
        """By the reader, or by whoever knows that there is none."""
        # Closing a response reads on to its end; without its socket there is nothing left to wait for.
        self._cut()
        if self._response is not None:
            self._response.close()
        if self._api is not None:
            self._api.close()

    def __iter__(self) -> Iterator[bytes]:
        """Ends when cancelled.  Raises PodmanFault (``unknown_outcome``) when cut off."""
        with self._lock:
            self._read = not self.cancelled
        if not self._read or self._response is None:
            return
        try:
            yield from self._response.iter_content(chunk_size=None)
        except _FAILURES as error:
            if not self.cancelled:
                raise PodmanFault(fault_of_transport(self.what, error)) from error
        finally:
            self.close()

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


def _client(url: str, connections: int, connected: Callable[[socket], None] = lambda _: None) -> APIClient:
    """podman-py's client, with each new connection's socket handed to ``connected``."""
    api = podman.PodmanClient(base_url=url, max_pool_size=connections).api
    adapter: Any = api.get_adapter("http://")

    def reporting(pool: Any) -> Any:
        def connect(self: Any) -> None:
            if isinstance(self, UDSConnection):
                self.sock = _unix_socket(self.uds, self.timeout)
            else:
                pool.ConnectionCls.connect(self)
            connected(self.sock)

        connection = type("Connection", (pool.ConnectionCls,), {"connect": connect})
        return type("Pool", (pool,), {"ConnectionCls": connection})

    pools = adapter.poolmanager.pool_classes_by_scheme
    adapter.poolmanager.pool_classes_by_scheme = {scheme: reporting(pool) for scheme, pool in pools.items()}
    return api


def _unix_socket(url: str, timeout: float | None) -> Any:
    """As podman-py's own, but one that was refused is closed: every retry would leave a descriptor to the collector."""
    made: Any = UDSSocket(url)
    try:
        made.settimeout(timeout)
        made.connect()
    except BaseException:
        made.close()
        raise
    return made
