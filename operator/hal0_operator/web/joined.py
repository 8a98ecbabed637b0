"""The head of an answer and the first piece of its body, as one.

A call to the kernel is the dearest part of a small answer.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

HEAD = b"HTTP/1.1 "
SIZED = b"content-length: "


class Joined(asyncio.Transport):
    """A transport before another one, to which the server writes heads and bodies apart.

    A head waits for what follows it in the same turn of the event loop, and no longer; one whose body has a length
    for that or for ``flush``, which spares the event loop a turn.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._head = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._head:
            self._transport.write(self._taken() + bytes(data))
        elif data[: len(HEAD)] == HEAD:
            self._head = bytes(data)
            if SIZED not in self._head:
                self._loop.call_soon(self.flush)
        else:
            self._transport.write(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def _taken(self) -> bytes:
        head, self._head = self._head, b""
        return head

    def flush(self) -> None:
        """Nothing follows."""
        if self._head:
            self._transport.write(self._taken())

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        self._head = b""
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        return len(self._head) + self._transport.get_write_buffer_size()
