"""Twenty slots from nothing to running: the operator, the bare API, and what people use instead."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from hal0_operator.desired.source import HomeFiles
from hal0_operator.home.read import read_once
from hal0_operator.host.fs import HostFs
from hal0_operator.loop.intake import Intake
from hal0_operator.model import action as a
from hal0_operator.model.settings import Settings
from hal0_operator.podman.spec import body
from hal0_operator.run import load_seeds
from tests.bench.ground import IMAGE, Api, Operator, Starts, each, remove_all
from tests.bench.in_memory import Driven
from tests.bench.table import Row, ratios
from tests.support.machine import Machine, Own

AT_ONCE = (2, 4, 8)
"""How many callers the bare API is tried with."""

ONE_POD = "podman kube play, one Pod"


def against_api(machine: Machine, starts: Starts, slots: int, rounds: int) -> Iterator[Row]:
    """The same containers by the same bodies, at whichever concurrency is best on this machine."""
    operator = Operator(machine)
    operator.write(slots)
    bodies = _bodies(operator)
    _empty(operator)
    ours: list[float] = []
    bare: dict[int, list[float]] = {callers: [] for callers in AT_ONCE}
    try:
        for number in range(rounds + 1):
            turns = [*AT_ONCE, 0]
            for callers in turns[number % len(turns) :] + turns[: number % len(turns)]:
                took = _by_api(machine, starts, bodies, callers) if callers else _by_us(operator, starts, slots)
                if number:  # the first round warms up
                    (bare[callers] if callers else ours).append(took)
    finally:
        operator.close()
    best = min(bare.values(), key=lambda times: sorted(times)[len(times) // 2])
    callers = next(callers for callers, times in bare.items() if times is best)
    yield Row(f"{slots} slots from nothing to running ÷ bare API", "×", ratios(ours, best), 1.10, f"{callers} callers")
    yield Row(f"{slots} slots from nothing to running", "s", ours)
    yield from (Row(f"bare API, {callers} callers", "s", times) for callers, times in bare.items())


def against_peers(machine: Own, starts: Starts, slots: int, rounds: int) -> Iterator[Row]:
    operator = Operator(machine)
    operator.write(slots)
    bodies = _bodies(operator)
    _empty(operator)
    peers = Peers(machine, operator.folder, operator.home.ports[:slots])
    times: dict[str, list[float]] = {"": [], **{name: [] for name in peers.commands}}
    bare: list[float] = []
    try:
        for _ in range(rounds):
            for name in times:
                took = peers.up(name, starts) if name else _by_us(operator, starts, slots)
                times[name].append(took)
            bare.append(_by_api(machine, starts, bodies, AT_ONCE[1]))
    finally:
        operator.close()
    for name in peers.commands:
        target = None if name == ONE_POD else 1 / 3
        note = "one network for all of them: no slot can be replaced alone" if name == ONE_POD else ""
        yield Row(f"{slots} slots from nothing to running ÷ {name}", "×", ratios(times[""], times[name]), target, note)
    for name in peers.commands:
        yield Row(
            f"bare API ÷ {name}", "×", ratios(bare, times[name]), None, "nothing that uses Podman's API can do better"
        )
    yield from (Row(f"{slots} containers by {name}", "s", times[name]) for name in peers.commands)


def _empty(operator: Operator) -> None:
    for file in (operator.home.path / "slots").iterdir():
        file.unlink()


def _bodies(operator: Operator) -> list[bytes]:
    """What the operator would send to create its slots, as far as the host plays no part in it."""
    settings = Settings(model_store=str(operator.store))
    files: HomeFiles = read_once(HostFs(), str(operator.home.path))
    found = Intake(load_seeds(), settings, None).decide(files, frozenset(), "")
    assert not found.problems, found.problems
    driven = Driven(found, settings)
    specs = []
    driven.told = lambda effect: specs.append(effect.spec) if isinstance(effect, a.Create) else None
    driven.converge()
    return [body(spec) for spec in specs]


def _by_us(operator: Operator, starts: Starts, slots: int) -> float:
    """From the first slot file being written to the last container running, in a home that was empty."""
    operator.start()
    operator.until_settled()
    begun = time.time_ns()
    operator.write(slots)
    took = (starts.until(slots, begun) - begun) / 1e9
    operator.forget()
    return took


def _by_api(machine: Machine, starts: Starts, bodies: Sequence[bytes], callers: int) -> float:
    begun = time.time_ns()
    each(machine.socket, bodies, lambda api, body: api.start(api.create(body)), callers)
    took = (starts.until(len(bodies), begun) - begun) / 1e9
    remove_all(machine)
    return took


class Peers:
    """podman-compose, and ``podman kube play`` with one Pod for each slot or with one for all of them."""

    def __init__(self, machine: Own, folder: Path, ports: Sequence[int]) -> None:
        self._machine = machine
        podman = folder / "podman"
        words = shlex.join([*machine._argv])
        podman.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        podman.chmod(0o755)
        compose, pods, pod = (folder / name for name in ("compose.json", "pods.json", "pod.json"))
        compose.write_text(json.dumps(_compose(ports)))
        pods.write_text("\n---\n".join(json.dumps(_pod(f"p{port}", [port])) for port in ports))
        pod.write_text(json.dumps(_pod("all", ports)))
        self._networks = f"{folder.name}_default"
        self.commands = {
            "podman-compose": _compose_command(podman, compose),
            "podman kube play, a Pod for each": [str(podman), "kube", "play", str(pods)],
            ONE_POD: [str(podman), "kube", "play", str(pod)],
        }
        self._slots = len(ports)

    def up(self, name: str, starts: Starts) -> float:
        """Until the last container runs; the Pods' own containers do not count."""
        begun = time.time_ns()
        command = self.commands[name]
        done = subprocess.run(command, env=self._machine.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{shlex.join(command)}: {done.stderr[-2000:]}")
        ran = starts.until(self._slots, begun, lambda event: event["Actor"]["Attributes"]["image"] == IMAGE)
        took = (ran - begun) / 1e9
        self._machine.podman("pod", "rm", "--all", "--force", "--time", "0")
        remove_all(self._machine)
        self._machine.podman("network", "rm", "--force", self._networks, check=False)
        return took


def _compose_command(podman: Path, file: Path) -> list[str]:
    found = Path(sys.executable).with_name("podman-compose")
    program = str(found) if found.exists() else shutil.which("podman-compose")
    if program is None:
        raise SystemExit("the benches need podman-compose: pip install podman-compose")
    return [program, "--podman-path", str(podman), "--file", str(file), "up", "--detach"]


def _compose(ports: Sequence[int]) -> dict[str, object]:
    return {
        "services": {
            f"s{port}": {"image": IMAGE, "command": ["--port", str(port)], "ports": [f"127.0.0.1:{port}:{port}"]}
            for port in ports
        }
    }


def _pod(name: str, ports: Sequence[int]) -> dict[str, object]:
    containers = [
        {
            "name": f"c{port}",
            "image": IMAGE,
            "imagePullPolicy": "IfNotPresent",
            "args": ["--port", str(port)],
            "ports": [{"containerPort": port, "hostPort": port, "hostIP": "127.0.0.1"}],
        }
        for port in ports
    ]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": containers}}
