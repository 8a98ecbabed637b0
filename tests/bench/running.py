"""An operator at work on a real Podman: a save, a death, and nothing to do."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from hal0_operator.model.world import Container
from hal0_operator.podman.spec import body
from hal0_operator.run import Parts, Place, converge, load_settings
from tests.bench.ground import IMAGE, Api, Operator, Starts, batches, pids
from tests.bench.recorder import Recorder
from tests.bench.table import Row, ratios
from tests.support.machine import Machine
from tests.support.operator_process import HAL0CTL

SETTLED_S = 3.0
TICKS = os.sysconf("SC_CLK_TCK")


def pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def saves(machine: Machine, starts: Starts, slots: int, rounds: int) -> Row:
    """From the rename that saves a slot's file to the first request that changes something in Podman."""
    with recorded(machine) as (operator, recorder):
        operator.write(slots)
        operator.start()
        operator.until_ready()
        times = []
        for number in range(rounds):
            pause(0.5)
            recorder.forget()
            wall, begun = time.time_ns(), time.monotonic()
            operator.slot(number % slots, model={"default": "m.gguf", "context_size": 5000 + number})
            times.append((recorder.first_write().at - begun) * 1000)
            starts.until(1, wall)
            operator.until_ready()
        return Row(
            f"file saved → first Podman write, {slots} slots", "ms", times, 75, "the file stands still for 30 of them"
        )


def first_looks(machine: Machine, slots: int, rounds: int) -> Iterator[Row]:
    """From the start of the process to the first list of containers, with a home of running slots."""
    with recorded(machine) as (operator, recorder):
        operator.write(slots)
        operator.start()
        operator.until_ready()
        times = []
        for _ in range(rounds):
            operator.stop()
            recorder.forget()
            begun = time.monotonic()
            operator.start()
            times.append((recorder.first_list() - begun) * 1000)
        yield Row(f"start → first observation, {slots} slots", "ms", times, 400)


def helps(rounds: int) -> Iterator[Row]:
    times: dict[str, list[float]] = {"hal0ctl --help": [], "python -c pass": []}
    commands = {"hal0ctl --help": [HAL0CTL, "--help"], "python -c pass": [sys.executable, "-c", "pass"]}
    for _ in range(rounds):
        for name, command in commands.items():
            begun = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            times[name].append((time.perf_counter() - begun) * 1000)
    yield Row("hal0ctl --help", "ms", times["hal0ctl --help"], 80)
    yield Row("python -c pass", "ms", times["python -c pass"])


def deaths(machine: Machine, starts: Starts, slots: int) -> Iterator[Row]:
    """SIGKILL to running again, in turns with a bare client that knows of the death and asks until it may start.

    Each slot is killed once only: a second death in a row is paced on purpose.
    """
    operator = Operator(machine)
    operator.write(slots)
    operator.start()
    operator.until_ready()
    api = Api(machine.socket)
    try:
        pause(SETTLED_S)
        theirs = _bare(api, operator)
        ours, bare = [], []
        for id, pid in [found for name, found in sorted(pids(api).items()) if name != "bare"]:
            ours.append(_healed(starts, id, pid))
            pause(0.5)
            bare.append(_started_again(api, starts, theirs))
            pause(0.5)
    finally:
        api.close()
        operator.close()
    yield Row("SIGKILL → running again ÷ (state settled + start)", "×", ratios(ours, bare), 1.25)
    yield Row("SIGKILL → running again", "ms", ours)
    yield Row("state settled + start, bare API", "ms", bare)


def _bare(api: Api, operator: Operator) -> str:
    """A container like the others that is nobody's."""
    port = operator.home.ports[-1]
    document = {
        "name": "bare",
        "image": IMAGE,
        "command": ["--port", str(port)],
        "portmappings": [{"container_port": port, "host_port": port, "host_ip": "127.0.0.1", "protocol": "tcp"}],
    }
    import json

    id = api.create(json.dumps(document).encode())
    api.start(id)
    return id


def _healed(starts: Starts, id: str, pid: int) -> float:
    begun = time.time_ns()
    os.kill(pid, signal.SIGKILL)
    return (starts.until(1, begun, lambda event: event["Actor"]["ID"] == id) - begun) / 1e6


def _started_again(api: Api, starts: Starts, id: str) -> float:
    pid = api.row(id)["Pid"]
    begun = time.time_ns()
    os.kill(pid, signal.SIGKILL)
    while api.row(id)["State"] == "running" or not api.start(id):
        pass
    return (starts.until(1, begun, lambda event: event["Actor"]["ID"] == id) - begun) / 1e6


def at_rest(machine: Machine, slots: int, rounds: int, seconds: float) -> Iterator[Row]:
    """A hundred settled slots: the process at rest, then turns with nothing to do."""
    operator = Operator(machine)
    try:
        for batch in batches(slots, 20):
            for number in batch:
                operator.slot(number)
        operator.start()
        operator.until_ready(300)
        operator.stop()
        operator.start()
        operator.until_ready()
        pause(SETTLED_S)
        yield from _resident(operator, slots, seconds)
        operator.stop()
        yield from _turns(operator, slots, rounds)
    finally:
        operator.close()


def _resident(operator: Operator, slots: int, seconds: float) -> Iterator[Row]:
    begun, used = time.monotonic(), _cpu(operator.pid)
    pause(seconds)
    share = 100 * (_cpu(operator.pid) - used) / (time.monotonic() - begun)
    status = Path(f"/proc/{operator.pid}/status").read_text()
    resident = int(status.split("VmRSS:")[1].split()[0]) / 1024
    yield Row(f"operator with {slots} slots: resident", "MiB", [resident], 64)
    yield Row(f"operator with {slots} slots: CPU at rest", "% of a core", [share], 1, f"over {seconds:.0f} s")


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _turns(operator: Operator, slots: int, rounds: int) -> Iterator[Row]:
    settings = load_settings(str(operator.config), named=True)
    # No turn of the timer's own comes between those that are timed.
    pace = msgspec.structs.replace(settings.loop, resync_s=3600.0)
    settings = msgspec.structs.replace(settings, model_store=str(operator.store), loop=pace)
    place = Place(str(operator.home.path), str(operator.state), "/run", operator.machine.url)
    parts = Parts(place, settings)
    turns: list[float] = []
    lists: list[float] = []
    calls: list[int] = []
    api = Api(operator.machine.socket)

    async def measure() -> None:
        await parts.home.fresh()
        await parts.drive.quiet()
        await anyio.to_thread.run_sync(pause, SETTLED_S)
        await parts.drive.quiet()
        assert all(status.phase == "Ready" for status in parts.operator.slots())
        for _ in range(rounds):
            before = sum(parts.hands.calls.values())
            begun = time.perf_counter()
            parts.reconciler.hint(None)
            parts.drive.wake()
            await parts.drive.quiet()
            turns.append((time.perf_counter() - begun) * 1000)
            calls.append(sum(parts.hands.calls.values()) - before)
            begun = time.perf_counter()
            api.list()
            lists.append((time.perf_counter() - begun) * 1000)

    try:
        anyio.run(converge, parts, measure)
    finally:
        parts.close()
        api.close()
    note = "one list call each" if set(calls) == {1} else f"calls: {sorted(set(calls))}"
    yield Row(f"nothing to do, {slots} slots: one turn ÷ a raw list", "×", ratios(turns, lists), 1.2, note)
    yield Row(f"nothing to do, {slots} slots: one turn", "ms", turns)
    yield Row(f"raw list of {slots}", "ms", lists)


@contextlib.contextmanager
def recorded(machine: Machine) -> Iterator[tuple[Operator, Recorder]]:
    operator = Operator(machine)
    recorder = Recorder(machine.socket, operator.folder / "recorder.sock")
    operator.url = recorder.url
    try:
        yield operator, recorder
    finally:
        operator.close()
        recorder.close()
