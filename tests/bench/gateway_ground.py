"""A model server, nginx and the gateway before it: three ways to the same answer, alive side by side."""

import asyncio
import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.bench.running import pause
from tests.support.served import free_port

PROGRAMS = ("nginx", "wrk")
ANSWER = '{"choices": [{"message": {"role": "assistant", "content": "' + "y" * 400 + '"}}]}'

CONF = """\
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/errors;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; keepalive_requests 1000000;
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder}; client_max_body_size 512m;
  upstream model {{ server 127.0.0.1:{server}; keepalive 64; }}
  {own}
  server {{ listen 127.0.0.1:{proxy};
    location / {{ proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_request_buffering off; }} }}
}}
"""
SERVER = "server {{ listen 127.0.0.1:{port}; location / {{ default_type application/json; return 200 '{answer}'; }} }}"


class Ways(NamedTuple):
    """``ports`` of direct, nginx and gateway; ``pid`` is the gateway's."""

    folder: Path
    ports: dict[str, int]
    pid: int


def missing() -> str:
    """The programs that are not installed here, for a row's ``why``."""
    names = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"{' and '.join(names)} not installed here" if names else ""


@contextlib.contextmanager
def ways(folder: Path, *, tokens: bool = False) -> Iterator[Ways]:
    """The model server is nginx with one fixed answer, or with ``tokens`` the one that streams and reads uploads."""
    folder.mkdir(parents=True, exist_ok=True)
    ports = {"direct": free_port(), "nginx": free_port(), "gateway": free_port()}
    own = "" if tokens else SERVER.format(port=ports["direct"], answer=ANSWER)
    conf = folder / "nginx.conf"
    conf.write_text(CONF.format(folder=folder, server=ports["direct"], proxy=ports["nginx"], own=own))
    python = [sys.executable, "-m"]
    words = [
        [*python, "tests.bench.gateway_server", f"127.0.0.1:{ports['gateway']}", str(ports["direct"])],
        ["nginx", "-c", str(conf), "-e", f"{folder}/errors"],
    ]
    if tokens:
        words.append([*python, "tests.bench.token_server", "--port", str(ports["direct"])])
    started = [subprocess.Popen(one) for one in words]
    try:
        for port in ports.values():
            asyncio.run(_until_up(port))
        yield Ways(folder, ports, started[0].pid)
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
