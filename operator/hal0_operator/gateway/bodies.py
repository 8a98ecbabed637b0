"""JSON bodies: what a request asks for, and another model's name in the place of the one that it gives."""

import asyncio
import re
from typing import Any

import msgspec

from hal0_operator.gateway.faults import invalid
from hal0_operator.gateway.outline import Outline

AT_ONCE = 64 << 10
"""Bytes of a body that is decoded in one call.  That holds the interpreter, so that a thread would not help."""

SLICE_S = 100e-6
"""Seconds after which others have their turn while a larger one is looked at."""


class Asked(msgspec.Struct, frozen=True):
    """Of a body, what routing needs."""

    model: str | None = None
    stream: Any = None


_DECODER = msgspec.json.Decoder(Asked)
_MODEL = msgspec.json.Decoder(str | None)
_EMPTY = re.compile(rb"[ \t\r\n]*\}")


def decode(body: bytes) -> Asked:
    """Raises ``Refused`` (400) for what is no JSON object."""
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise invalid(f"the body is not what this endpoint takes: {fault}") from fault
    except RecursionError as fault:
        raise invalid("the body is nested too deeply") from fault


async def outlined(body: bytes) -> Outline:
    """Of a large body, without keeping others from their turns.  Raises ``Refused`` (400)."""
    now = asyncio.get_running_loop().time
    outline, since = Outline(body), now()
    while outline.further():
        if now() - since > SLICE_S:
            await asyncio.sleep(0)
            since = now()
    return outline


def asked(body: bytes, outline: Outline) -> Asked:
    """What ``decode`` would say, of a body that is seen in outline only.  Raises ``Refused`` (400)."""
    model: str | None = None
    try:
        for begin, end in outline.models:
            model = _MODEL.decode(body[begin:end])
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise invalid(f"`model` is no short text: {fault}") from fault
    stream = any(body[begin:end] == b"true" for begin, end in outline.streams[-1:])
    return Asked(model, stream)


def with_model(body: bytes, model: str, outline: Outline | None = None) -> bytes:
    """A body that was taken, asking for ``model``; every other byte is as it was.

    Without its ``outline`` it is a short one, of which that is found here.  Raises ``Refused`` (400).
    """
    if outline is None:
        outline = Outline(body)
        while outline.further():
            pass
    new, old = msgspec.json.encode(model), memoryview(body)
    if not outline.models:
        at = outline.opening
        return b"".join((old[:at], b'"model":', new, b"" if _EMPTY.match(body, at) else b",", old[at:]))
    parts: list[bytes | memoryview] = []
    done = 0
    for begin, end in outline.models:
        parts += (old[done:begin], new)
        done = end
    return b"".join((*parts, old[done:]))
