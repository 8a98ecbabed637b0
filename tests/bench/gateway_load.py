"""Requests to a chat endpoint from this process, at a pace or as fast as they are answered."""

import asyncio
import random
import re
import subprocess
import time
from pathlib import Path

PATH = "/v1/chat/completions"
BODY = b'{"model": "chat", "messages": [{"role": "user", "content": "' + b"x" * 900 + b'"}]}'
HEAD = b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"
CONNECTIONS = 16


def request(body: bytes, path: str = PATH, kind: str = "application/json") -> bytes:
    return HEAD % (path.encode(), kind.encode(), len(body)) + body


class Caller(asyncio.Protocol):
    """Sends the same request again and again and notes how long each answer takes, which has a ``Content-Length``."""

    def __init__(self, request: bytes = request(BODY)) -> None:
        self._request = request
        self._done: asyncio.Future[None] | None = None
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, _, body = self._data.partition(b"\r\n\r\n")
        found = re.search(rb"(?i)content-length: *(\d+)", head)
        if found is not None and len(body) >= int(found[1]) and self._done is not None:
            assert self._data.startswith(b"HTTP/1.1 200"), head
            self._done.set_result(None)

    async def ask(self) -> float:
        """Seconds to the last byte of the answer."""
        assert self._transport is not None
        self._data, self._done = b"", asyncio.get_running_loop().create_future()
        begun = time.perf_counter()
        self._transport.write(self._request)
        await self._done
        return time.perf_counter() - begun

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()


async def load(port: int, connections: int, rate: float, seconds: float) -> list[float]:
    """``rate`` requests a second in all at random instants; 0: each as soon as the one before is answered."""
    loop = asyncio.get_running_loop()
    times: list[float] = []
    callers = [(await loop.create_connection(Caller, "127.0.0.1", port))[1] for _ in range(connections)]
    for caller in callers:  # one after the other: a burst would be met by what is measured
        await caller.ask()
    end = loop.time() + seconds

    async def one(caller: Caller) -> None:
        while loop.time() < end:
            if rate:
                await asyncio.sleep(random.expovariate(rate / connections))
            times.append(await caller.ask())

    await asyncio.gather(*map(one, callers))
    return times


def saturated(folder: Path, port: int, seconds: float) -> float:
    """Requests a second of sixteen connections that never rest."""
    said = subprocess.run(hammer(folder, port, seconds), capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in said, said
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert found is not None, said
    return float(found[1])


def hammer(folder: Path, port: int, seconds: float) -> list[str]:
    """The command of that load."""
    script = folder / "post.lua"
    script.write_text(
        'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n' + f"wrk.body = '{BODY.decode()}'\n"
    )
    words = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", str(script)]
    return [*words, f"http://127.0.0.1:{port}{PATH}"]


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]
