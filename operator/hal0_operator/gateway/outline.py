"""Where `model` and `stream` stand in a JSON object: looked for in slices, with no step of Python for each token.

A slice is read as text between quotes and text outside of them, by searches and splits of whole bytes.  That is exact
for JSON; of what is none, only a wrong frame is noticed, and the server that gets the body refuses the rest.
"""

import re
from collections.abc import Iterator
from itertools import accumulate

from hal0_operator.gateway.faults import Refused, invalid

PIECE = 16 << 10
"""Bytes that are looked at in one slice: some 0.1 ms at most, but for bodies that are made to be slow."""

DEEPEST = 1000
"""Levels of arrays and objects: servers go down into them by recursion."""

VALUE_LIMIT = 64 << 10
"""Bytes of a value that is of interest."""

MOST = 64
"""Times that a key may be given again."""

MOST_LOOKED = 100_000
"""Keys of these names, at any depth, that are looked at one by one."""

_LONGEST_KEY = len(rb'"\u0073\u0074\u0072\u0065\u0061\u006d"')


def _spelled(name: str) -> bytes:
    """A pattern for a key, each letter of which may be escaped."""
    return "".join(rf"(?:{letter}|\\u00(?i:{ord(letter):02x}))" for letter in name).encode()


_KEY = re.compile(rb'"(?:(%b)|%b)"' % (_spelled("model"), _spelled("stream")))
_COLON = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*")
_VALUE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^"{}\[\],: \t\r\n]++', re.DOTALL)
_OPENING = re.compile(rb"[ \t\r\n]*\{")
_UP, _DOWN = b"\x01", b"\xff"
"""A step of a level, as a signed byte."""
_BRACKETS = bytes.maketrans(b"{[}]", _UP * 2 + _DOWN * 2)
_OTHERS = bytes(set(range(256)) - set(b"{[}]"))

Span = tuple[int, int]


class Outline:
    """``opening`` is where the object's members begin, ``models`` and ``streams`` where the values of its own keys
    of these names stand, in their order.  All of them is known once ``further`` has answered ``False``.
    """

    def __init__(self, body: bytes, piece: int = PIECE) -> None:
        """Raises ``Refused`` (400) for what does not begin like an object."""
        opened = _OPENING.match(body)
        if opened is None:
            raise invalid("the body is not what this endpoint takes: it is no JSON object")
        self.opening = opened.end()
        self.models: list[Span] = []
        self.streams: list[Span] = []
        self._body = body
        self._piece = max(piece, 2 * _LONGEST_KEY)
        self._at = 0
        self._depth = 0
        self._in_text = False
        self._looked = 0

    def further(self) -> bool:
        """Look at the next slice; whether there is another one after it.  Raises ``Refused`` (400)."""
        piece, is_last = self._next()
        begin = 0
        if self._in_text:
            begin = piece.find(b'"') + 1
            self._in_text = not begin
        if not self._in_text:
            piece = self._whole_texts(piece, begin, is_last=is_last)
            self._outside(piece, begin)
        self._at += len(piece)
        if is_last and (self._in_text or self._depth):
            raise invalid("the body is not what this endpoint takes: it ends inside its JSON")
        return not is_last

    def _next(self) -> tuple[bytes, bool]:
        """What the next slice is about, no quote of it being an escaped one, and whether it is the last one."""
        piece = self._body[self._at : self._at + self._piece]
        is_last = self._at + len(piece) == len(self._body)
        if b"\\" in piece:
            if not is_last and (len(piece) - len(piece.rstrip(b"\\"))) % 2:
                piece = piece[:-1]
            piece = piece.replace(rb"\\", b"  ").replace(rb"\"", b"  ")
        return piece, is_last

    def _whole_texts(self, piece: bytes, begin: int, *, is_last: bool) -> bytes:
        """Without a text at the end that is cut and may be a key; a longer one is gone on with."""
        if piece.count(b'"', begin) % 2 == 0:
            return piece
        opened = piece.rindex(b'"')
        if not is_last and len(piece) - opened < _LONGEST_KEY:
            return piece[:opened]
        self._in_text = True
        return piece

    def _outside(self, piece: bytes, begin: int) -> None:
        steps = _steps(piece[begin:])
        if self._depth + len(steps) > DEEPEST and max(self._levels(steps)) > DEEPEST:
            raise invalid("the body is nested too deeply")
        if _may_have_keys(piece) and min(self._levels(steps)) <= 1:
            self._keys(piece, begin)
        self._depth += _sum(steps)

    def _levels(self, steps: bytes) -> Iterator[int]:
        """How deep it is before the first step, and after each one."""
        return accumulate(memoryview(steps).cast("b"), initial=self._depth)

    def _keys(self, piece: bytes, begin: int) -> None:
        depth = self._depth
        for key in _KEY.finditer(piece, begin):
            self._looked += 1
            depth += _sum(_steps(piece[begin : key.start()]))
            begin = key.end()
            if depth == 1:
                self._found(self.models if key[1] else self.streams, self._at + begin)
        if self._looked > MOST_LOOKED:
            raise _too_many()

    def _found(self, spans: list[Span], end: int) -> None:
        """A text ends there, which is a key where a colon follows."""
        colon = _COLON.match(self._body, end)
        if colon is None:
            return
        begin = colon.end()
        value = _VALUE.match(self._body, begin, begin + VALUE_LIMIT)
        spans.append((begin, value.end() if value is not None else begin))
        if len(spans) > MOST:
            raise _too_many()


def _steps(text: bytes) -> bytes:
    """Of a text that begins outside of quotes, one step up or down for each bracket outside of them."""
    outside = b"".join(text.split(b'"')[::2]) if b'"' in text else text
    return outside.translate(_BRACKETS, _OTHERS)


def _sum(steps: bytes) -> int:
    return len(steps) - 2 * steps.count(_DOWN)


def _may_have_keys(piece: bytes) -> bool:
    return b'"' in piece and (b'"model"' in piece or b'"stream"' in piece or rb"\u00" in piece)


def _too_many() -> Refused:
    return invalid("the body has too many keys `model` and `stream`")
