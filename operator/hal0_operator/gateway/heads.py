"""Heads of requests and answers as they are passed on: without what belongs to one connection alone."""

from collections.abc import Iterable

from hal0_operator.gateway.connection import Headers
from hal0_operator.gateway.upstream import HOST

_HOP_BY_HOP = {b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade"} | {
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
}
_OWN = _HOP_BY_HOP | {b"host", b"content-length", b"accept-encoding", b"expect", b"cookie"}
"""Of a request, what the gateway says itself, and the cookies of other pages on this machine."""

_BUFFERING = b"x-accel-buffering"
"""What nginx and those like it go by."""

_FOREIGN = b"access-control-"
"""A container may let every web page read its answers; the gateway does not."""


def request_head(
    path: str, query: bytes, headers: Iterable[tuple[bytes, bytes]], port: int, length: int | None
) -> bytes:
    """The head of a POST.  ``length`` of its body in bytes, ``None``: it is sent in chunks."""
    given = list(headers)
    dropped = _OWN | _named(given)
    lines = [b"POST %b%b HTTP/1.1" % (path.encode(), b"?" + query if query else b"")]
    lines.append(b"host: %b:%d" % (HOST.encode(), port))
    lines.append(b"accept-encoding: identity")
    lines.append(b"transfer-encoding: chunked" if length is None else b"content-length: %d" % length)
    lines += [b"%b: %b" % (name, value) for name, value in given if name not in dropped]
    return b"\r\n".join((*lines, b"", b""))


def answer_headers(headers: Headers) -> Headers:
    """Those of a container's answer that are the client's too."""
    dropped = _HOP_BY_HOP | _named(headers)
    return [(name, value) for name, value in headers if name not in dropped and not name.startswith(_FOREIGN)]


def unbuffered(headers: Headers) -> Headers:
    """Those of an event stream: what stands between the gateway and its client shall neither hold nor change it."""
    kept = [(name, value) for name, value in headers if name not in (b"cache-control", _BUFFERING)]
    told = value_of(headers, b"cache-control") or b"no-cache"
    if b"no-transform" not in told:
        told += b", no-transform"
    return [*kept, (b"cache-control", told), (_BUFFERING, b"no")]


def value_of(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes:
    """The first of that name; ``b""`` for none."""
    return next((value for key, value in headers if key == name), b"")


def _named(headers: Iterable[tuple[bytes, bytes]]) -> set[bytes]:
    """What ``Connection`` says to be of this connection alone."""
    return {
        word.strip().lower()
        for name, value in headers
        if name == b"connection"
        for word in value.split(b",")
        if word.strip().lower() != b"content-type"
    }
