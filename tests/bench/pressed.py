"""The gateway inside an operator that has other work, and the operator while its gateway is at its limit."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from deploy.demo.hostpython import PYTHON, environment, python_layer
from deploy.demo.layers import Image, Layer, add_file, cached_layer, digest, write_archive
from tests.bench import token_server
from tests.bench.gateway_ground import missing
from tests.bench.gateway_load import CONNECTIONS, hammer, load, quantile
from tests.bench.ground import Api, Operator, Starts, pids
from tests.bench.running import SETTLED_S, pause
from tests.bench.table import Row, ratios
from tests.images.build import CACHE
from tests.support.machine import Machine

IMAGE = "localhost/hal0-tokens:1"
PROGRAM = "/token_server.py"
RATE = 300
SAVER = """
import itertools, pathlib, sys, threading
files = sorted(pathlib.Path(sys.argv[1]).glob("idle*.toml"))
texts = [file.read_text() for file in files]
for size in itertools.count(5000):
    for file, text in zip(files, texts):
        part = file.with_suffix(".part")
        part.write_text(text.replace("context_size = 4096", f"context_size = {size}"))
        part.rename(file)
    threading.Event().wait(0.5)
"""
"""Saves every file twice a second or as fast as it can, as an editor does."""


def pressed(machine: Machine, starts: Starts, idle: int, deaths: int, seconds: float) -> Iterator[Row]:
    """``idle``: disabled slots beside; ``deaths`` of containers at rest, and as many under load."""
    if why := missing():
        yield Row("gateway under pressure", "", why=why)
        return
    operator = _operator(machine, idle, 2 * deaths)
    try:
        operator.start()
        operator.until(lambda slots: sum(slot["phase"] == "Ready" for slot in slots.values()) == 2 * deaths + 1, 300)
        pause(SETTLED_S)
        yield from _while_saving(operator, idle, seconds)
        yield from _heals(machine, operator, starts, deaths)
    finally:
        operator.close()


def _operator(machine: Machine, idle: int, deaths: int) -> Operator:
    archive = CACHE / "images-tokens.tar"
    layers = (python_layer(CACHE), _program())
    write_archive(archive, [Image(IMAGE, layers, environment(), (PYTHON, PROGRAM))])
    machine.load(archive)
    operator = Operator(machine)
    operator.home.profile("tokens", image=IMAGE)
    ports = operator.home.ports
    operator.home.slot("chat", profile="tokens", port=ports[-3])
    operator.write(deaths)
    for number in range(idle):
        model = {"default": "m.gguf", "context_size": 4096}
        operator.home.slot(f"idle{number}", profile="bench", port=40_000 + number, enabled=False, model=model)
    return operator


def _program() -> Layer:
    source = Path(token_server.__file__)
    return cached_layer(
        CACHE, "tokens", digest("tokens:1", source.read_text()), lambda tar: add_file(tar, source, PROGRAM.lstrip("/"))
    )


def _while_saving(operator: Operator, idle: int, seconds: float) -> Iterator[Row]:
    direct = operator.home.ports[-3]
    gateway = int(operator.listen.rpartition(":")[2])

    def p99(port: int) -> float:
        return quantile(asyncio.run(load(port, CONNECTIONS, RATE, seconds)), 0.99) * 1000

    quiet, saving = [], []
    for _ in range(5):
        bare = p99(direct)
        quiet.append(p99(gateway) - bare)
        with _running([sys.executable, "-c", SAVER, str(operator.home.path / "slots")]):
            saving.append(p99(gateway) - bare)
    what = f"gateway in the operator, {CONNECTIONS} connections, {RATE}/s: p99 added"
    yield Row(what, "ms", quiet)
    yield Row(f"{what} while {idle} slot files are saved again and again", "ms", saving, 3)


def _heals(machine: Machine, operator: Operator, starts: Starts, deaths: int) -> Iterator[Row]:
    """Each slot is killed once only: a second death in a row is paced on purpose."""
    api = Api(machine.socket)
    gateway = int(operator.listen.rpartition(":")[2])
    rest, loaded = [], []
    try:
        found = [container for name, container in sorted(pids(api).items()) if "chat" not in name]
        for first, second in zip(found[::2], found[1::2], strict=True):
            rest.append(_healed(starts, *first))
            pause(1)
            with _running(hammer(operator.folder, gateway, 10)):
                pause(1)
                loaded.append(_healed(starts, *second))
            pause(1)
    finally:
        api.close()
    assert len(rest) == deaths
    yield Row("SIGKILL → running, gateway at its limit ÷ gateway at rest", "×", ratios(loaded, rest), 1.2)
    yield Row("SIGKILL → running, gateway at its limit", "ms", loaded)


def _healed(starts: Starts, id: str, pid: int) -> float:
    begun = time.time_ns()
    os.kill(pid, signal.SIGKILL)
    return (starts.until(1, begun, lambda event: event["Actor"]["ID"] == id) - begun) / 1e6


@contextlib.contextmanager
def _running(words: list[str]) -> Iterator[None]:
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()
