"""What stands before every route: whose Host, whose origin, which token, how large and how slow a body.

A local server must not trust loopback: any web page can send requests to it.  So a foreign
Host is refused on every path, before routing (a page that rebinds its name to 127.0.0.1), and
a write needs a secret, a content type that no form can send, and the same origin.
"""

import hmac
import ipaddress
import logging
import re
from collections.abc import Callable, Iterable

import anyio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hal0_operator.routing.endpoints import ENDPOINTS, IMAGES, MODELS
from hal0_operator.web.answers import JSON, Fault

BODY_LIMIT = 1 << 20
"""Bytes of a request body; the largest wish is a few hundred."""

BODY_S = 30.0
"""Seconds for a body to come as a whole, on every path: a forge's call needs no token to begin one."""

HOOK = "/hooks/git"
"""The one write that needs no token: a signature over its body is asked for instead, and it only hints."""

_MODELS = {path.removeprefix("/v1"): path for path in (*ENDPOINTS, IMAGES, MODELS)}
_CHALLENGE = {"WWW-Authenticate": "Bearer"}
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_log = logging.getLogger("hal0_operator.web")


class Guard:
    """ASGI middleware.  ``names`` are hosts that are ours besides loopback, compared without port.

    ``leads`` answers whether anything is at a request's path: who writes to nothing is not asked for a token.
    """

    def __init__(
        self,
        app: ASGIApp,
        token: str,
        names: Iterable[str] = (),
        leads: Callable[[Scope], bool] = lambda _scope: True,
    ) -> None:
        self._app = app
        self._token = token.encode()
        self._names = frozenset(filter(None, map(_host_name, names)))
        self._leads = leads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, await self._admit(scope, receive), watched)
        except Fault as fault:
            await fault.response()(scope, receive, send)
        except Exception as bug:  # noqa: BLE001 - the last line of defence: one log line, never a traceback
            _log.error("%s %r: %r", scope["method"], scope["path"], bug)
            _log.debug("where it happened", exc_info=True)
            if not started:
                message = "the operator failed to answer; its log says why"
                await Fault(500, "internal", message).response()(scope, receive, send)

    async def _admit(self, scope: Scope, receive: Receive) -> Receive:
        """Refuse, by raising ``Fault``, or answer the receive channel to go on with."""
        headers = Headers(scope=scope)
        local = is_unix(scope)
        if not local:
            self.check_host(headers)
        if scope["method"] in _SAFE:
            return receive
        if not local:
            self.check_origin(headers)
            if scope["path"] != HOOK:
                self._check_write(scope, headers)
        return await _whole_body(headers, receive)

    def check_host(self, headers: Headers) -> None:
        """Raises ``Fault`` for a Host that is not ours."""
        hosts = headers.getlist("host")
        name = _host_name(hosts[0]) if len(hosts) == 1 else ""
        if not name:
            raise Fault(400, "host.invalid", "exactly one well-formed Host header is needed")
        if not (_is_loopback(name) or name in self._names):
            message = f"Host {name!r} is not this operator: use 127.0.0.1 or localhost, or add it to allowed_hosts"
            raise Fault(403, "host.forbidden", message)

    @staticmethod
    def check_origin(headers: Headers) -> None:
        """A browser says where a write comes from; anything but our own pages is refused.  Raises ``Fault``."""
        site = headers.get("sec-fetch-site", "none")
        origins = headers.getlist("origin")
        own = {f"{scheme}://{headers['host']}".lower() for scheme in ("http", "https")}
        if site not in ("none", "same-origin") or any(origin.lower() not in own for origin in origins):
            raise Fault(403, "origin.forbidden", "a page of another origin may not write here")

    def _check_write(self, scope: Scope, headers: Headers) -> None:
        """Where there is nothing to write to, nobody is told what a write would need."""
        try:
            self._check_token(headers)
            _check_type(headers)
        except Fault:
            if self._leads(scope):
                raise
            raise nothing_at(scope["path"]) from None

    def _check_token(self, headers: Headers) -> None:
        given = headers.getlist("authorization")
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        if scheme.lower() != "bearer":
            message = "writes need 'Authorization: Bearer TOKEN'; the token is in the state directory's file 'token'"
            raise Fault(401, "auth.token_missing", message, _CHALLENGE)
        if not self._token or not hmac.compare_digest(token.strip().encode("latin-1"), self._token):
            raise Fault(401, "auth.token_invalid", "this is not the operator's token", _CHALLENGE)


def nothing_at(path: str) -> Fault:
    """404; of a path of models whose ``/v1`` is missing it says so: its client needs another address, and no token."""
    meant = next((right for tail, right in _MODELS.items() if path.lower().endswith(tail)), None)
    if meant is not None:
        message = (
            f"there is nothing at this path: models are below /v1, so let the client's base URL end in /v1 ({meant})"
        )
    else:
        message = "there is nothing at this path; /api/openapi.json lists what there is, and models are below /v1"
    return Fault(404, "request.not_found", message)


def is_unix(scope: Scope) -> bool:
    """Whether the request came through the operator's socket file, whose mode is its own guard.

    The server fills ``server`` from the listening socket, never from the request.
    """
    server = scope.get("server")
    return server is not None and server[1] is None


def _host_name(text: str) -> str:
    """The name of a Host header in lower case, without port and closing dot; ``""`` when malformed."""
    match = _HOST.fullmatch(text.strip())
    return match["name"].strip("[]").lower().removesuffix(".") if match else ""


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _check_type(headers: Headers) -> None:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise Fault(415, "request.content_type", f"writes need 'Content-Type: {JSON}', also without a body")


async def _whole_body(headers: Headers, receive: Receive) -> Receive:
    """Read the body up to the limit and hand it on as one message; larger ones are 413, those that are late 408."""
    declared = headers.get("content-length", "0")
    if not declared.isdigit() or len(declared) > 9 or int(declared) > BODY_LIMIT:
        raise _too_large()
    try:
        with anyio.fail_after(BODY_S):
            body = await _read(receive)
    except TimeoutError:
        message = f"the body did not come within {BODY_S:g} s"
        raise Fault(408, "request.timeout", message, {"Connection": "close"}) from None
    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay


async def _read(receive: Receive) -> bytes:
    """Raises ``Fault`` for more than the limit, and when the client goes: a part of a body is acted on by nobody."""
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Fault(400, "request.incomplete", "the connection ended before the body did")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_LIMIT:
            raise _too_large()
        more = message.get("more_body", False)
    return b"".join(parts)


def _too_large() -> Fault:
    message = f"the body is larger than {BODY_LIMIT} bytes"
    return Fault(413, "request.too_large", message, {"Connection": "close"})
