"""A real Podman for measuring: an image of two megabytes that answers a probe, and its API without any library."""

import contextlib
import http.client
import json
import os
import queue
import shutil
import socket
import tarfile
import threading
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from deploy.demo.layers import (
    Image,
    Layer,
    add_file,
    add_folder,
    add_link,
    add_text,
    cached_layer,
    digest,
    write_archive,
)
from hal0_operator.model.container import LABEL_MANAGED, MANAGED_BY
from tests.images.build import CACHE
from tests.support.machine import Machine
from tests.support.operator_process import OperatorProcess

IMAGE = "localhost/hal0-bench:1"
SERVE = """#!/bin/sh
while [ $# -gt 0 ]; do [ "$1" = --port ] && port=$2; shift; done
trap 'exit 0' TERM
httpd -f -p "$port" -h /www &
wait
"""
"""What stands for a model server: it is up at once and then only waits, so that what is measured is the rest."""
PATH = "/v4.0.0/libpod/"
LIST = "containers/json?all=true&filters=" + urllib.parse.quote(
    json.dumps({"label": [f"{LABEL_MANAGED}={MANAGED_BY}"]})
)
EVENT_S = 30
PACE = {
    "loop": {"resync_s": 30.0, "grace_s": 10.0, "drain_s": 30.0},
    "probe": {"start_s": 0.25, "ready_s": 60.0, "timeout_s": 1.0},
}
"""The usual one, in place of the short one of tests."""


def load(machine: Machine) -> None:
    """Put the image of the benches into this Podman."""
    archive = CACHE / "images-bench.tar"
    write_archive(archive, [Image(IMAGE, (_layer(),), {"PATH": "/bin"}, ("/bin/sh", "/serve"))])
    machine.load(archive)


def _layer() -> Layer:
    busybox = shutil.which("busybox")
    if busybox is None:
        raise SystemExit("the benches need a static busybox: deploy/setup test gets it")

    def fill(tar: tarfile.TarFile) -> None:
        for folder in ("dev", "etc", "proc", "sys", "tmp", "www"):
            add_folder(tar, folder)
        add_file(tar, Path(busybox), "bin/busybox")
        for applet in ("sh", "httpd"):
            add_link(tar, f"bin/{applet}", "busybox")
        add_text(tar, "serve", SERVE, 0o755)
        add_text(tar, "www/health", "ok\n")

    return cached_layer(CACHE, "bench", digest("bench:1", SERVE, Path(busybox).stat().st_size), fill)


class Api:
    """One kept connection to a Podman service; nothing is decoded that is not asked for."""

    def __init__(self, path: Path, timeout: float | None = 60) -> None:
        self._connection = http.client.HTTPConnection("podman", timeout=timeout)
        self._connection.sock = socket.socket(socket.AF_UNIX)
        self._connection.sock.settimeout(timeout)
        self._connection.sock.connect(str(path))
        self._connection.auto_open = 0

    def send(self, method: str, path: str, body: bytes | None = None) -> http.client.HTTPResponse:
        self._connection.request(method, PATH + path, body, {"Content-Type": "application/json"})
        return self._connection.getresponse()

    def call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        response = self.send(method, path, body)
        data = response.read()
        if response.status >= 400:
            raise RuntimeError(f"{method} {path}: {response.status} {data.decode(errors='replace')}")
        return response.status, data

    def list(self) -> bytes:
        """The list that the operator asks for, unread."""
        return self.call("GET", LIST)[1]

    def create(self, body: bytes) -> str:
        return json.loads(self.call("POST", "containers/create", body)[1])["Id"]

    def start(self, id: str) -> bool:
        return self.call("POST", f"containers/{id}/start")[0] != 304

    def row(self, id: str) -> dict[str, Any]:
        filters = urllib.parse.quote(json.dumps({"id": [id]}))
        return json.loads(self.call("GET", f"containers/json?all=true&filters={filters}")[1])[0]

    def close(self) -> None:
        self._connection.close()


class Starts:
    """Podman's own record of when which container ran: exact, and nobody has to ask while something is timed."""

    def __init__(self, path: Path) -> None:
        self._told: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._path = path
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        filters = urllib.parse.quote(json.dumps({"type": ["container"], "event": ["start"]}))
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            for line in Api(self._path, None).send("GET", f"events?stream=true&filters={filters}"):
                self._told.put(json.loads(line))

    def until(self, count: int, since: int, counts: Callable[[dict[str, Any]], object] = lambda _: True) -> int:
        """When the ``count``-th of distinct containers ran that were started after ``since``: nanoseconds of the epoch."""
        seen: dict[str, int] = {}
        while len(seen) < count:
            event = self._told.get(timeout=EVENT_S)
            if event["timeNano"] > since and counts(event):
                seen.setdefault(event["Actor"]["ID"], event["timeNano"])
        return max(seen.values())


def remove_all(machine: Machine, at_once: int = 4) -> None:
    """Every container of this Podman, as fast as it can."""
    api = Api(machine.socket)
    ids = [row["Id"] for row in json.loads(api.call("GET", "containers/json?all=true")[1])]
    api.close()
    each(
        machine.socket,
        ids,
        lambda api, id: api.call("DELETE", f"containers/{id}?force=true&timeout=0&ignore=true"),
        at_once,
    )


def each(path: Path, items: Sequence[Any], act: Callable[[Api, Any], object], at_once: int) -> None:
    """``act`` on every item from ``at_once`` threads, each with a connection of its own."""
    free: queue.SimpleQueue[Api] = queue.SimpleQueue()
    for _ in range(at_once):
        free.put(Api(path))

    def one(item: Any) -> None:
        api = free.get()
        try:
            act(api, item)
        finally:
            free.put(api)

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(one, items))
    while not free.empty():
        free.get().close()


class Operator(OperatorProcess):
    """An operator with its usual pace, over slots of the benches' image; ``url`` may be a recorder's."""

    def __init__(self, machine: Machine, url: str = "") -> None:
        super().__init__(machine)
        self.configure(**PACE)
        self.url = url or machine.url
        self.home.ports = range(28000 + 200 * machine.index, 28200 + 200 * machine.index)
        self.listen = f"127.0.0.1:{self.home.ports[-2]}"
        self.home.profile("bench", image=IMAGE)

    @property
    def options(self) -> list[str]:
        return [*super().options[:-1], f"--podman-url={self.url}"]

    def write(self, count: int, **keys: Any) -> None:
        for number in range(count):
            self.slot(number, **keys)

    def slot(self, number: int, **keys: Any) -> None:
        self.home.slot(f"s{number}", profile="bench", port=self.home.ports[number], **keys)

    def until_settled(self) -> None:
        """Nothing is left to do."""
        self.hal0ctl("apply", "--wait")

    def until_ready(self, seconds: float = 120) -> None:
        self.until(lambda slots: slots and all(slot["phase"] == "Ready" for slot in slots.values()), seconds)

    def forget(self) -> None:
        """Stop; no container, slot or state is left."""
        self.stop()
        remove_all(self.machine)
        shutil.rmtree(self.state)
        for file in (self.home.path / "slots").iterdir():
            file.unlink()

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()
        remove_all(self.machine)
        shutil.rmtree(self.folder)


def pids(api: Api) -> dict[str, tuple[str, int]]:
    """Each managed container's id and process, by name."""
    return {row["Names"][0]: (row["Id"], row["Pid"]) for row in json.loads(api.list())}


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def batches(count: int, size: int) -> Iterator[range]:
    for first in range(0, count, size):
        yield range(first, min(first + size, count))
