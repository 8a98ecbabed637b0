"""Multipart bodies, read as they pass: the fields that say which model is meant, and everything else untouched."""

import re
from typing import Literal, NamedTuple

from hal0_operator.gateway.faults import invalid

HEAD_LIMIT = 16 << 10
VALUE_LIMIT = 1 << 10
PARTS_MOST = 1000
"""Parts of a body, and places in it that look like the beginning of one."""

_BOUNDARY = re.compile(
    r'multipart/form-data\s*(?:;[^;]*)*?;\s*boundary=(?:"([^"\r\n]{1,200})"|([^\s;,"]{1,200}))', re.IGNORECASE
)
_NAME = re.compile(
    rb'^content-disposition:[^\r\n]*?[;\s]name=(?:"([^"\r\n]*)"|([^\s;"]*))', re.IGNORECASE | re.MULTILINE
)
_AFTER = (b"\r", b"-", b" ", b"\t")
_FIELDS = {b"model": "model", b"stream": "stream"}

State = Literal["body", "head", "field", "end"]


class Field(NamedTuple):
    """The value of a part that is looked at, as it stands in the body."""

    name: str
    value: bytes

    @property
    def text(self) -> str:
        return self.value.decode(errors="replace").strip()


class Closing(NamedTuple):
    """The place between the last boundary and the two dashes that end the body: another part may be put there."""

    delimiter: bytes

    def part(self, name: str, value: str) -> bytes:
        """The bytes that make it the body's last part."""
        head = f'\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        return head.encode() + value.encode() + self.delimiter


Segment = bytes | Field | Closing


def boundary(content_type: str) -> bytes:
    """Raises ``Refused`` (400)."""
    found = _BOUNDARY.match(content_type.strip())
    if found is None:
        raise invalid("this endpoint takes multipart/form-data with a boundary")
    return (found[1] or found[2]).encode("latin-1")


class Parts:
    """Cuts a body into segments; joined again they are the same bytes, a ``Closing`` being none.

    What may be the beginning of a boundary is held back until more comes: some bytes, or one head or value.
    """

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        self._state: State = "body"
        self._count = 0
        self._field = ""
        self._rest = b"\r\n"  # the first boundary has no line before it; taken off again below
        self._surplus = 2

    def feed(self, data: bytes) -> list[Segment]:
        """Raises ``Refused`` (400)."""
        buffer = self._rest + data
        segments: list[Segment] = []
        at = 0
        while True:
            step = self._step(buffer, at, segments)
            if step < 0:
                break
            at = step
        self._rest = buffer[at:]
        return self._without_surplus(segments)

    def end(self) -> list[Segment]:
        """The body is over: what was held back.  Raises ``Refused`` (400)."""
        if self._state == "field":
            raise invalid(f"the body ends inside its part {self._field!r}")
        rest, self._rest = self._rest, b""
        return self._without_surplus([rest] if rest else [])

    def _step(self, buffer: bytes, at: int, segments: list[Segment]) -> int:
        """Take one thing off; where it ended, or -1 when more has to come first."""
        if self._state == "head":
            return self._head(buffer, at, segments)
        if self._state == "end":
            if at == len(buffer):
                return -1
            segments.append(buffer[at:])
            return len(buffer)
        found = self._found(buffer, at)
        if self._state == "field":
            value = buffer[at : found if found >= 0 else None]
            if len(value) > VALUE_LIMIT + len(self._delimiter):
                raise invalid(f"the part {self._field!r} is longer than {VALUE_LIMIT} bytes")
            if found < 0:
                return -1
            segments.append(Field(self._field, value))
            at = found
        end = found + len(self._delimiter) if found >= 0 else len(buffer) - len(self._delimiter)
        if end <= at:
            return -1
        segments.append(buffer[at:end])
        if found >= 0:
            self._state = "head"
        return end

    def _found(self, buffer: bytes, at: int) -> int:
        """Where the next boundary begins; -1 for none, or for one that may yet be a longer word."""
        while (found := buffer.find(self._delimiter, at)) >= 0:
            at = found + len(self._delimiter)
            following = buffer[at : at + 1]
            if not following:
                return -1
            self._count += 1
            if self._count > PARTS_MOST:
                raise invalid(
                    f"the body has more than {PARTS_MOST} parts, or its boundary stands in them again and again"
                )
            if following in _AFTER:
                return found
        return -1

    def _head(self, buffer: bytes, at: int, segments: list[Segment]) -> int:
        if buffer[at : at + 2] == b"--":
            self._state = "end"
            segments.append(Closing(self._delimiter))
            return at
        end = buffer.find(b"\r\n\r\n", at)
        if end < 0:
            if len(buffer) - at > HEAD_LIMIT:
                raise invalid(f"a part has a head of more than {HEAD_LIMIT >> 10} KiB")
            return -1
        head = buffer[at : end + 4]
        segments.append(head)
        named = _NAME.search(head)
        name = (named[1] or named[2] or b"") if named else b""
        self._field = _FIELDS.get(name, "")
        self._state = "field" if self._field else "body"
        return end + 4

    def _without_surplus(self, segments: list[Segment]) -> list[Segment]:
        for number, segment in enumerate(segments):
            if not self._surplus or not isinstance(segment, bytes):
                break
            segments[number] = segment[self._surplus :]
            self._surplus = max(self._surplus - len(segment), 0)
        return segments
