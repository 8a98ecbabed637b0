"""Answers to clients of HTTP/1.0, which know no chunks (RFC 9112, 6.1): the end of the connection is the end of one."""

from hal0_operator.web.joined import HEAD, Joined

CHUNKED = b"transfer-encoding: chunked\r\n"


class Unframed(Joined):
    """Takes out again what the server frames: it writes a chunk, or the last of them with the end, at a time."""

    _is_chunked = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        piece = bytes(data)
        if piece.startswith(HEAD):
            self._is_chunked = CHUNKED in piece
            piece = piece.replace(CHUNKED, b"")
        elif self._is_chunked:
            size, _, rest = piece.partition(b"\r\n")
            piece = rest[: int(size, 16)]
        if piece:
            super().write(piece)
