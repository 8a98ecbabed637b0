"""Streams and uploads through the gateway, beside nginx and direct; and the memory that they take."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.gateway_ground import Ways, missing, ways
from tests.bench.gateway_load import Caller, request
from tests.bench.table import Row

TOKENS = 50
BURST = 16
IDLE = 500
UPLOAD_MIB = 20
EVENT = b"data:"
BOUNDARY = b"bench"
FORM = (
    b'--%b\r\nContent-Disposition: form-data; name="model"\r\n\r\nstt\r\n'
    b'--%b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n' % (BOUNDARY, BOUNDARY)
)


def streamed(folder: Path, rounds: int) -> Iterator[Row]:
    """Time to the first event of one stream, and of each of sixteen that start together."""
    if why := missing():
        yield Row("streams beside nginx", "", why=why)
        return
    with ways(folder, tokens=True) as here:
        figures: dict[tuple[int, str], list[float]] = {}
        for _ in range(rounds):
            for count in (1, BURST):
                taken = {way: _median(asyncio.run(_first_events(port, count))) for way, port in here.ports.items()}
                for way in ("gateway", "nginx"):
                    figures.setdefault((count, way), []).append((taken[way] - taken["direct"]) * 1000)
        for (count, way), values in figures.items():
            what = "first streamed byte" if count == 1 else f"first streamed byte, {count} streams at once"
            target = None if way == "nginx" else 0.8 if count == 1 else 2.0
            yield Row(f"{way}, {what}: added", "ms", values, target)
        yield from _uploads(here, rounds)
        yield _idle(here)


class Listener(asyncio.Protocol):
    """Asks once and notes when the first event came."""

    def __init__(self, tokens: int) -> None:
        self._request = request(b'{"model": "chat", "stream": true, "tokens": %d}' % tokens)
        self._data = b""
        self.first = asyncio.get_running_loop().create_future()
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def ask(self) -> None:
        self._begun = time.perf_counter()
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self.first.done() and EVENT in self._data:
            assert self._data.startswith(b"HTTP/1.1 200"), self._data
            self.first.set_result(time.perf_counter() - self._begun)
        if self._data.endswith(b"0\r\n\r\n") and not self.ended.done():
            self.ended.set_result(None)


async def _listeners(port: int, count: int, tokens: int) -> list[Listener]:
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(lambda: Listener(tokens), "127.0.0.1", port))[1] for _ in range(count)]


async def _first_events(port: int, count: int) -> list[float]:
    listeners = await _listeners(port, count, TOKENS)
    for one in listeners:
        one.ask()
    taken = await asyncio.gather(*(one.first for one in listeners))
    await asyncio.gather(*(one.ended for one in listeners))
    for one in listeners:
        one.transport.close()
    return list(taken)


def _uploads(here: Ways, rounds: int) -> Iterator[Row]:
    body = FORM + b"\0" * (UPLOAD_MIB << 20) + b"\r\n--%b--\r\n" % BOUNDARY
    asked = request(body, "/v1/audio/transcriptions", f"multipart/form-data; boundary={BOUNDARY.decode()}")
    resident = _memory(here.pid, "VmRSS")
    taken = {
        way: [asyncio.run(_uploaded(port, asked)) * 1000 for _ in range(rounds)] for way, port in here.ports.items()
    }
    for way, values in taken.items():
        yield Row(f"{way}: upload of {UPLOAD_MIB} MiB", "ms", values)
    most = _memory(here.pid, "VmHWM") - resident
    yield Row(f"gateway: resident, at most, over {rounds} uploads", "MiB more", [most], 40)


async def _uploaded(port: int, asked: bytes) -> float:
    loop = asyncio.get_running_loop()
    _, caller = await loop.create_connection(lambda: Caller(asked), "127.0.0.1", port)
    taken = await caller.ask()
    caller.close()
    return taken


def _idle(here: Ways) -> Row:
    """Streams that have begun and bring nothing more."""

    async def held() -> float:
        before = _memory(here.pid, "VmRSS")
        listeners = await _listeners(here.ports["gateway"], IDLE, 0)
        for one in listeners:
            one.ask()
        await asyncio.gather(*(one.first for one in listeners))
        more = _memory(here.pid, "VmRSS") - before
        for one in listeners:
            one.transport.close()
        return more

    return Row(f"gateway: resident with {IDLE} idle streams", "MiB more", [asyncio.run(held())], 40)


def _memory(pid: int, name: str) -> float:
    """MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split(f"{name}:")[1].split()[0]) / 1024


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
