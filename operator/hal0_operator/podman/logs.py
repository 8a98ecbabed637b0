"""Log output as the service frames it: eight bytes of header (stream, three zeros, length), then that much text."""

from collections.abc import Iterable, Iterator

HEADER = 8
LINE = 16384
"""Bytes after which a line is broken: one without an end must not fill the memory."""


def lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Each whole line of stdout and stderr as it ends, in the order of their ends; what is unfinished comes last."""
    unfinished: dict[int, bytes] = {}
    for stream, text in _frames(chunks):
        *whole, rest = (unfinished.get(stream, b"") + text).split(b"\n")
        for line in whole:
            yield from _shown(line)
        while len(rest) > LINE:
            yield _text(rest[:LINE])
            rest = rest[LINE:]
        unfinished[stream] = rest
    for rest in unfinished.values():
        if rest:
            yield from _shown(rest)


def _frames(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Headers may fall on the border of two chunks; text is passed on as it comes."""
    data, stream, left = b"", 0, 0
    for chunk in chunks:
        data += chunk
        while data:
            if left == 0:
                if len(data) < HEADER:
                    break
                stream, left = data[0], int.from_bytes(data[4:HEADER])
                data = data[HEADER:]
            text, data = data[:left], data[left:]
            left -= len(text)
            if text:
                yield stream, text


def _shown(line: bytes) -> Iterator[str]:
    for at in range(0, max(1, len(line)), LINE):
        yield _text(line[at : at + LINE])


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\r")
