"""A container's server that a test plays by hand, a client that sends what it is told, and slots as plain data."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from hal0_operator.routing.directory import Directory, Listing
from hal0_operator.routing.failure import Failure
from hal0_operator.routing.standing import Standing

CHAT = "/v1/chat/completions"
EMBED = "/v1/embeddings"
SPEECH_TO_TEXT = "/v1/audio/transcriptions"


def listing(slot: str, type: str = "llm", family: str = "llama-server", **more: Any) -> Listing:
    return Listing(slot=slot, type=type, device=more.pop("device", "cpu"), family=family, **more)


class FakeSlots:
    """``stands`` by slot; ``log`` of what began and ended; ``wakes`` answers ``wake``."""

    def __init__(self) -> None:
        self.known: dict[str, Listing] = {}
        self.standing: dict[str, Standing] = {}
        self.log: list[tuple[str, str, str]] = []
        self.heard: list[tuple[str, str]] = []
        self.unheard: list[tuple[str, str]] = []
        self.wakes: asyncio.Queue[asyncio.Future[Standing | Failure]] = asyncio.Queue()

    def add(self, listing: Listing, port: int = 0, container: str = "", **more: Any) -> None:
        self.known[listing.slot] = listing
        self.stand(listing.slot, port, container or f"id-{listing.slot}" if port else "", **more)

    def stand(self, slot: str, port: int = 0, container: str = "", **more: Any) -> None:
        phase = more.pop("phase", "Ready" if container else "Starting")
        self.standing[slot] = Standing(phase=phase, port=port, container=container, **more)

    def directory(self) -> Directory:
        models: dict[str, tuple[str, ...]] = {}
        for name in sorted(self.known):
            models[self.known[name].model] = (*models.get(self.known[name].model, ()), name)
        models.pop("", None)
        return Directory(dict(self.known), models)

    def stands(self, slot: str) -> Standing:
        return self.standing[slot]

    def began(self, slot: str, container: str) -> None:
        self.log.append(("began", slot, container))

    def ended(self, slot: str, container: str) -> None:
        self.log.append(("ended", slot, container))

    def answered(self, slot: str, container: str) -> None:
        self.heard.append((slot, container))

    def unanswered(self, slot: str, container: str) -> None:
        self.unheard.append((slot, container))

    async def wake(self, slot: str) -> Standing | Failure:
        woken = asyncio.get_running_loop().create_future()
        self.wakes.put_nowait(woken)
        return await woken


class Taken:
    """One request as the fake server got it: its head; the rest is up to the test."""

    def __init__(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.line, *lines = head.decode("latin-1").split("\r\n")
        self.headers = dict(line.split(": ", 1) for line in lines if line)
        self.done = asyncio.Event()

    async def body(self) -> bytes:
        if "content-length" in self.headers:
            return await self.reader.readexactly(int(self.headers["content-length"]))
        return b"".join([piece async for piece in chunks(self.reader)])

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, body: bytes = b"{}", status: str = "200 OK", kind: str = "application/json") -> None:
        await self.send(
            f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        )
        self.done.set()

    async def begin_stream(self, kind: str = "text/event-stream") -> None:
        await self.send(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())

    async def chunk(self, data: bytes) -> None:
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def end_stream(self) -> None:
        await self.send(b"0\r\n\r\n")
        self.done.set()

    async def gone(self) -> None:
        """Return when the gateway has closed this connection."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(1 << 16):
                pass

    def die(self) -> None:
        """What a killed process does."""
        self.writer.transport.abort()


class FakeServer:
    """Requests are handed to the test in the order in which their heads came."""

    def __init__(self) -> None:
        self.taken: asyncio.Queue[Taken] = asyncio.Queue()
        self.connections = 0
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: list[Taken] = []
        self._writers: list[asyncio.StreamWriter] = []
        self._is_over = False

    async def next(self) -> Taken:
        return await self.taken.get()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while not self._is_over:
                taken = Taken((await reader.readuntil(b"\r\n\r\n"))[:-4], reader, writer)
                self.taken.put_nowait(taken)
                self._open.append(taken)
                await taken.done.wait()
        writer.transport.abort()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["FakeServer"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self._is_over = True
            for writer in self._writers:
                writer.transport.abort()
            for taken in self._open:
                taken.done.set()
            await asyncio.gather(*self._tasks)


class Caller:
    """A client on one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.status = 0
        self.headers: dict[str, str] = {}

    @classmethod
    async def to(cls, port: int, receive_buffer: int = 0) -> "Caller":
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        except OSError:
            sock.close()
            raise
        return cls(*await asyncio.open_connection(sock=sock, limit=1 << 16))

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def ask(self, path: str = CHAT, body: Any = None, method: str = "POST", **headers: str) -> None:
        data = body if isinstance(body, bytes) else msgspec.json.encode(body if body is not None else {})
        given = {"Host": "x", "Content-Type": "application/json", "Content-Length": str(len(data))}
        given |= {name.replace("_", "-"): text for name, text in headers.items()}
        lines = "".join(f"{name}: {text}\r\n" for name, text in given.items())
        await self.send(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + data)

    async def head(self) -> int:
        line, *lines = (await self.reader.readuntil(b"\r\n\r\n"))[:-4].decode("latin-1").split("\r\n")
        self.headers = dict(text.split(": ", 1) for text in lines)
        self.status = int(line.split()[1])
        return self.status

    async def chunk(self) -> bytes:
        """One chunk of a chunked answer; ``b""`` at its end.  Raises ``IncompleteReadError`` where it is cut."""
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        return (await self.reader.readexactly(size + 2))[:-2]

    async def body(self) -> bytes:
        if "content-length" in self.headers:
            return await self.reader.readexactly(int(self.headers["content-length"]))
        return b"".join([piece async for piece in chunks(self.reader)])

    async def answer(self) -> Any:
        await self.head()
        return msgspec.json.decode(await self.body())

    async def error(self) -> tuple[int, str]:
        return (await self.head(), msgspec.json.decode(await self.body())["error"]["code"])

    def leave(self) -> None:
        self.writer.transport.abort()


async def begun_stream(ground: Any) -> tuple[Caller, Taken]:
    """A stream of the slot chat whose first event, ``data: 1``, has arrived."""
    caller = await ground.caller()
    await caller.ask(body={"stream": True})
    taken = await ground.server.next()
    await taken.begin_stream()
    await taken.chunk(b"data: 1\n\n")
    await caller.head()
    assert await caller.chunk() == b"data: 1\n\n"
    return caller, taken


async def chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int(await reader.readuntil(b"\r\n"), 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)


def form(*parts: tuple[str, bytes], boundary: str = "b0undary") -> bytes:
    """A multipart body; the part ``file`` is a file."""
    made = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'.encode()
        + (b'; filename="a.wav"\r\nContent-Type: audio/wav' if name == "file" else b"")
        + b"\r\n\r\n"
        + value
        for name, value in parts
    ]
    return b"\r\n".join((*made, f"--{boundary}--\r\n".encode()))


FORM = "multipart/form-data; boundary=b0undary"
