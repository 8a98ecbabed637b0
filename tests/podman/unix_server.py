"""A server on a unix socket that answers each request with given bytes and then does as it is told."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

Handler = Callable[[socket.socket, bytes], None]
"""Gets a connection and the head of its request; the connection is closed when it returns."""


@contextlib.contextmanager
def serving(path: Path, handler: Handler) -> Iterator[str]:
    """Its URL.  Every connection has a thread of its own and gets one request."""
    threads: list[threading.Thread] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=answer, args=(connection,)))
                threads[-1].start()

        def answer(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                request = b""
                while b"\r\n\r\n" not in request:
                    more = connection.recv(65536)
                    if not more:
                        return
                    request += more
                handler(connection, request)

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield f"unix://{path}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            acceptor.join()
            for thread in threads:
                thread.join()


def answer(status: str, body: bytes, version: str = "9.9") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nContent-Type: application/json\r\nConnection: close\r\n"
    )
    head += f"Libpod-API-Version: {version}\r\n\r\n"
    return head.encode() + body


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"
