"""A wish to a running operator: what it takes until Podman is asked, and what a large home costs."""

import subprocess
import time
from collections.abc import Iterator

from tests.bench.ground import Starts
from tests.bench.running import pause, recorded
from tests.bench.table import Row, ratios
from tests.support.machine import Machine
from tests.support.operator_process import HAL0CTL

CHILD = "embed.embed"


def wishes(machine: Machine, starts: Starts, slots: int, rounds: int) -> Iterator[Row]:
    """``capability set`` of another model, from its start to the first request that changes something, and to its end."""
    whole: list[float] = []
    asked: list[float] = []
    with recorded(machine) as (operator, recorder):
        operator.write(slots - 1)
        operator.home.slot("embed", profile="bench", port=operator.home.ports[slots])
        operator.start()
        operator.until_ready()
        for number in range(rounds):
            (operator.store / f"m{number}.gguf").touch()
            recorder.forget()
            wall, begun = time.time_ns(), time.monotonic()
            took = _set(operator.options, f"m{number}.gguf")
            event = next(
                e for e in reversed(operator.get("/api/events")["items"]) if e["reason"] == "ChangeSetCommitted"
            )
            assert f"set capability {CHILD}" in event["message"]
            whole.append(took)
            asked.append((recorder.first_write().at - begun) * 1000)
            starts.until(1, wall)
            operator.until_ready()
            pause(0.3)
    yield Row(f"capability set, {slots} slots: the whole command without its wait", "ms", whole, 250)
    yield Row("its start → first Podman write", "ms", asked, None, "the command's own start is in it")


def sizes(machine: Machine, many: int, rounds: int) -> Iterator[Row]:
    """The same command on a home of ten slots and on one of many, all of them off."""
    times: dict[int, list[float]] = {}
    for count in (10, many):
        with recorded(machine) as (operator, _):
            for number in range(count - 1):
                operator.home.slot(f"s{number}", profile="bench", port=None, enabled=False)
            operator.home.slot("embed", profile="bench", port=operator.home.ports[1], enabled=False)
            operator.home.profile("bench")
            operator.start()
            operator.get("/api/slots")
            subprocess.run([HAL0CTL, "apply", *operator.options], check=True, capture_output=True)
            times[count] = [_set(operator.options, f"m{number}.gguf") for number in range(rounds)]
    yield Row(f"capability set: a home of {many} slots ÷ one of 10", "×", ratios(times[many], times[10]), 1.5)
    yield Row(f"capability set: a home of {many} slots", "ms", times[many])


def _set(options: list[str], model: str) -> float:
    """Milliseconds of the whole command."""
    begun = time.monotonic()
    words = [HAL0CTL, "capability", "set", CHILD, "--model", model, "--no-wait", *options]
    subprocess.run(words, check=True, capture_output=True)
    return (time.monotonic() - begun) * 1000
