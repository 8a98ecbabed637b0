"""What the gateway adds to a request, beside nginx that proxies the same to the same server in the same run."""

import asyncio
import contextlib
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.running import pause
from tests.bench.table import Row
from tests.support.served import free_port

PROGRAMS = ("nginx", "wrk")
BODY = b'{"model": "chat", "messages": [{"role": "user", "content": "' + b"x" * 900 + b'"}]}'
ANSWER = '{"choices": [{"message": {"role": "assistant", "content": "' + "y" * 400 + '"}}]}'
PATH = "/v1/chat/completions"
HEAD = b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
REQUEST = HEAD % (PATH.encode(), len(BODY)) + BODY
CONNECTIONS, RATE = 16, 300

CONF = """\
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/errors;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; keepalive_requests 1000000;
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  upstream model {{ server 127.0.0.1:{server}; keepalive 64; }}
  server {{ listen 127.0.0.1:{server}; location / {{ default_type application/json; return 200 '{answer}'; }} }}
  server {{ listen 127.0.0.1:{proxy};
    location / {{ proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }} }}
}}
"""


def added(folder: Path, rounds: int, seconds: float) -> Iterator[Row]:
    """Latency through each minus direct, in turns; then both at saturation."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        yield Row("gateway beside nginx", "", why=f"{' and '.join(missing)} not installed here")
        return
    with _all(folder) as ports:
        figures: dict[tuple[str, str], list[float]] = {}
        for _ in range(rounds):
            for load, connections, rate in (
                ("1 client", 1, 0),
                (f"{CONNECTIONS} connections, {RATE}/s", CONNECTIONS, RATE),
            ):
                taken = {way: asyncio.run(_load(port, connections, rate, seconds)) for way, port in ports.items()}
                for way in ("gateway", "nginx"):
                    for share, name in ((0.5, "p50"), (0.99, "p99")):
                        more = _quantile(taken[way], share) - _quantile(taken["direct"], share)
                        figures.setdefault((f"{load}: {name} added", way), []).append(more * 1000)
        for (what, way), values in figures.items():
            target = None if way == "nginx" else 0.4 if "p50" in what else 1.5
            yield Row(f"{way}, {what}", "ms", values, target)
        ratios = []
        for _ in range(rounds):
            ratios.append(_saturated(folder, ports["gateway"], seconds) / _saturated(folder, ports["nginx"], seconds))
        yield Row(
            "gateway ÷ nginx, requests a second at saturation", "× (more is better)", ratios, None, "target ≥ 0.12"
        )


@contextlib.contextmanager
def _all(folder: Path) -> Iterator[dict[str, int]]:
    folder.mkdir(parents=True, exist_ok=True)
    ports = {"direct": free_port(), "nginx": free_port(), "gateway": free_port()}
    conf = folder / "nginx.conf"
    conf.write_text(CONF.format(folder=folder, server=ports["direct"], proxy=ports["nginx"], answer=ANSWER))
    ours = [sys.executable, "-m", "tests.bench.gateway_server", f"127.0.0.1:{ports['gateway']}", str(ports["direct"])]
    started = [subprocess.Popen(words) for words in (["nginx", "-c", str(conf), "-e", f"{folder}/errors"], ours)]
    try:
        for port in ports.values():
            asyncio.run(_until_up(port))
        yield ports
    finally:
        for process in started:
            process.terminate()
            process.wait()


async def _until_up(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        pause(0.05)
    raise RuntimeError(f"nothing listens on {port}")


class _Caller(asyncio.Protocol):
    """Sends the same request again and again and notes how long each answer takes."""

    def __init__(self) -> None:
        self._done: asyncio.Future[None] | None = None
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        if len(ANSWER) <= len(self._data) and self._data.endswith(b"}]}") and self._done is not None:
            self._done.set_result(None)

    async def ask(self) -> float:
        assert self._transport is not None
        self._data, self._done = b"", asyncio.get_running_loop().create_future()
        begun = time.perf_counter()
        self._transport.write(REQUEST)
        await self._done
        return time.perf_counter() - begun


async def _load(port: int, connections: int, rate: float, seconds: float) -> list[float]:
    """``rate`` requests a second in all at random instants; 0: each as soon as the one before is answered."""
    loop = asyncio.get_running_loop()
    times: list[float] = []
    end = loop.time() + seconds

    async def one() -> None:
        _, caller = await loop.create_connection(_Caller, "127.0.0.1", port)
        await caller.ask()
        while loop.time() < end:
            if rate:
                await asyncio.sleep(random.expovariate(rate / connections))
            times.append(await caller.ask())

    await asyncio.gather(*(one() for _ in range(connections)))
    return times


def _quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def _saturated(folder: Path, port: int, seconds: float) -> float:
    """Requests a second of sixteen connections that never rest."""
    script = folder / "post.lua"
    script.write_text(
        'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n' + f"wrk.body = '{BODY.decode()}'\n"
    )
    words = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", str(script)]
    said = subprocess.run([*words, f"http://127.0.0.1:{port}{PATH}"], capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in said, said
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert found is not None, said
    return float(found[1])
