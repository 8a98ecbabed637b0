"""``token_server.py --port PORT``: stands for a model server that streams, reads uploads, or says nothing more.

The request's body decides: ``{"tokens": 50}`` events two milliseconds apart, ``{"tokens": 0}`` one and then silence
until the client goes; any other body is read to its end and answered.  Other flags are taken and mean nothing.
"""

import asyncio
import json
import sys

EVERY_S = 0.002
EVENT = b'data: {"choices": [{"delta": {"content": "word"}}]}\n\n'
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
CHUNK = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
END = b"0\r\n\r\n"


class TokenServer(asyncio.Protocol):
    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._data = bytearray()
        self._missing = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._missing < 0:
            self._data += data
            head, found, rest = bytes(self._data).partition(b"\r\n\r\n")
            if not found:
                return
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            self._data = bytearray(rest[:4096])
            self._missing = (int(lengths[0].split(b":")[1]) if lengths else 0) - len(rest)
        else:
            self._missing -= len(data)
            self._data += data[: max(0, 4096 - len(self._data))]
        if self._missing <= 0:
            self._answer(bytes(self._data))
            self._begin()

    def _answer(self, body: bytes) -> None:
        try:
            tokens = json.loads(body).get("tokens")
        except ValueError:
            tokens = None
        if tokens is None:
            self._transport.write(WHOLE)
            return
        self._transport.write(STREAM + CHUNK)
        if tokens:
            self._next(tokens - 1)

    def _next(self, left: int) -> None:
        if self._transport.is_closing():
            return
        if left:
            asyncio.get_running_loop().call_later(EVERY_S, self._next, left - 1)
        self._transport.write(CHUNK if left else END)


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(TokenServer, "0.0.0.0", port, backlog=1024)  # noqa: S104
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[sys.argv.index("--port") + 1])))
