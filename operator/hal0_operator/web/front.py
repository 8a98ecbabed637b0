"""The first thing that a request meets: models below `/v1`, the operator's own surfaces everywhere else."""

import hmac
import ipaddress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from hal0_operator.web.answers import Fault
from hal0_operator.web.guard import Guard, is_unix

PREFIX = "/v1/"
PLAIN = 64
"""Host headers that are known to be ours; a client of ours sends one of a few, and nothing else is to be looked at."""
_TOLD = frozenset({b"host", b"origin", b"sec-fetch-site"})
_HERE = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})
"""The usual addresses of this machine; others of it are parsed."""
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


class Front:
    """``key`` closes ``/v1`` to whoever does not bring it; an empty one leaves it open to this machine alone.

    A foreign Host or a page of another origin is refused there as everywhere: loopback proves nothing.
    """

    def __init__(self, guard: Guard, models: ASGIApp, key: bytes) -> None:
        self._guard = guard
        self._models = models
        self._key = key
        self._plain: set[tuple[bytes, bytes]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._guard(scope, receive, send)
            return
        try:
            self._admit(scope)
        except Fault as fault:
            await fault.response()(scope, receive, send)
            return
        if self._key:  # it opens every slot, and an image is somebody else's program
            scope["headers"] = [header for header in scope["headers"] if header[0] != b"authorization"]
        await self._models(scope, receive, send)

    def _admit(self, scope: Scope) -> None:
        """Raises ``Fault``."""
        if is_unix(scope):
            return
        told = [header for header in scope["headers"] if header[0] in _TOLD]
        if len(told) != 1 or told[0] not in self._plain:
            self._look(scope)
            if len(told) == 1 and len(self._plain) < PLAIN:
                self._plain.add(told[0])
        if self._key and not self._has_key(scope):
            raise Fault(401, "auth.key_invalid", "this address needs 'Authorization: Bearer KEY'", _CHALLENGE)
        if not self._key and not _is_here(scope):
            message = (
                "without a key /v1 is open to this machine alone: set `api_key_file` in the operator's settings to a "
                "file with a key, and send it as 'Authorization: Bearer KEY'"
            )
            raise Fault(401, "auth.key_missing", message, _CHALLENGE)

    def _look(self, scope: Scope) -> None:
        """Raises ``Fault`` for a foreign Host, and for a page of another origin."""
        headers = Headers(scope=scope)
        self._guard.check_host(headers)
        if scope["method"] not in ("GET", "HEAD"):
            self._guard.check_origin(headers)

    def _has_key(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        scheme, _, key = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        return scheme.lower() == b"bearer" and hmac.compare_digest(key.strip(), self._key)


def _is_here(scope: Scope) -> bool:
    """Whether the other end of the connection is on this machine, over loopback; one that is not known is not."""
    peer = scope.get("client")
    if peer is None:
        return False
    host: str = peer[0]
    if host in _HERE:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
