"""JSON bodies: what a request asks for, and another model's name in the place of the one that it gives."""

import re
from typing import Any

import msgspec

from hal0_operator.gateway.faults import invalid


class Asked(msgspec.Struct, frozen=True):
    """Of a body, what routing needs."""

    model: str | None = None
    stream: Any = None


_DECODER = msgspec.json.Decoder(Asked)
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],:]', re.DOTALL)
_SPACE = b" \t\r\n"


def decode(body: bytes) -> Asked:
    """Raises ``Refused`` (400) for what is no JSON object."""
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise invalid(f"the body is not what this endpoint takes: {fault}") from fault
    except RecursionError as fault:
        raise invalid("the body is nested too deeply") from fault


def with_model(body: bytes, model: str) -> bytes:
    """A body that ``decode`` took, asking for ``model``; every other byte is as it was."""
    new = msgspec.json.encode(model)
    spans = model_spans(body)
    if spans:
        parts: list[bytes] = []
        done = 0
        for start, end in spans:
            parts += (body[done:start], new)
            done = end
        changed = b"".join((*parts, body[done:]))
    else:
        opening = body.index(b"{") + 1
        is_empty = body[opening:].lstrip(_SPACE).startswith(b"}")
        changed = b"".join((body[:opening], b'"model":', new, b"" if is_empty else b",", body[opening:]))
    if _DECODER.decode(changed).model == model:
        return changed
    whole: dict[str, Any] = msgspec.json.decode(body)
    return msgspec.json.encode({**whole, "model": model})


def model_spans(body: bytes) -> list[tuple[int, int]]:
    """Where values of a key ``model`` of the outermost object begin and end; several where it is there twice."""
    spans = []
    depth = 0
    key = b""
    start = -1
    for token in _TOKEN.finditer(body):
        first = token[0][:1]
        if first == b'"':
            if depth == 1 and start < 0:
                key = token[0]
            continue
        if first == b":":
            if depth == 1 and start < 0:
                start = token.end()
            continue
        closes = first in b"}]"
        if depth == 1 and start >= 0 and (first == b"," or closes):
            if _is_model(key):
                spans.append(_trimmed(body, start, token.start()))
            start = -1
        depth += first in b"{["
        depth -= closes
    return spans


def _is_model(key: bytes) -> bool:
    return key == b'"model"' or (b"\\" in key and msgspec.json.decode(key) == "model")


def _trimmed(body: bytes, start: int, end: int) -> tuple[int, int]:
    while body[start : start + 1] in (b" ", b"\t", b"\r", b"\n"):
        start += 1
    while body[end - 1 : end] in (b" ", b"\t", b"\r", b"\n"):
        end -= 1
    return start, end
