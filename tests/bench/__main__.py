"""``make bench``: every figure of the table, measured on this machine.  No figure fails a build.

``python -m tests.bench [--quick] [--podman own|other] [--only WORD] [--markdown]``
"""

import argparse
import os
import platform
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tests.bench import (
    committing,
    from_nothing,
    gateway,
    gateway_streams,
    gitops,
    ground,
    in_memory,
    pressed,
    running,
    wishing,
)
from tests.bench.table import Row, markdown, plain
from tests.images.build import CACHE
from tests.support import podmans, tools
from tests.support.machine import Machine, Own

Bench = Callable[[], Iterable[Row]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--quick", action="store_true", help="a smoke run: few slots, few rounds")
    parser.add_argument("--podman", choices=("own", "other"), default="own")
    parser.add_argument("--only", default="", help="benches whose name holds this word")
    parser.add_argument("--markdown", action="store_true", help="the table as it stands in README.md")
    options = parser.parse_args()
    rows: list[Row] = []
    tools.found()
    # As installed: a program that may not keep its byte code compiles itself at every start.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(CACHE / "bytecode")
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        named = [*_pure(Path(folder), options.quick)]
        for name, bench in named:
            if options.only in name:
                rows += _told(name, bench)
    if any(options.only in name for name in PODMAN):
        with podmans.running(options.podman) as machine:
            ground.load(machine)
            print(f"Podman {machine.podman('--version').split()[-1]}", flush=True)
            starts = ground.Starts(machine.socket)
            for name, bench in _with_podman(machine, starts, options.quick):
                if options.only in name:
                    rows += _told(name, bench)
    print(f"\n{(markdown if options.markdown else plain)(rows)}")


def _told(name: str, bench: Bench) -> list[Row]:
    print(f"… {name}", flush=True)
    rows = [*bench()]
    print("\n".join(f"    {' '.join(row.cells)}" for row in rows), flush=True)
    return rows


def _pure(folder: Path, quick: bool) -> Iterator[tuple[str, Bench]]:
    sizes = ((100, None), (1000, 10.0)) if quick else ((1000, 10.0), (10_000, 120.0))
    rounds = 3 if quick else 9

    def plans() -> Iterator[Row]:
        for count, target in sizes:
            yield from in_memory.plans(folder / f"plan-{count}", count, rounds, target)

    def loads() -> Iterator[Row]:
        yield in_memory.load_and_admit(folder / "load", 1000, rounds * 3, 15)

    def growth() -> Iterator[Row]:
        for count in (100, 1000) if quick else (100, 1000, 10_000):
            yield in_memory.load_and_admit(folder / f"load-{count}", count, rounds)
            yield in_memory.one_changed(folder / f"one-{count}", count, rounds)

    def repositories() -> Iterator[Row]:
        yield from gitops.looks(folder / "looks", 5 if quick else 40)
        yield from gitops.taken(folder / "taken", FILES[:2] if quick else FILES, 3 if quick else 15)

    yield "plan", plans
    yield "load", loads
    yield "growth", growth
    yield "commit", lambda: committing.commits(folder / "commit", 3, 15 if quick else 60)
    yield "gateway", lambda: gateway.added(folder / "gateway", 2 if quick else 7, 1 if quick else 3)
    yield "streams", lambda: gateway_streams.streamed(folder / "streams", 3 if quick else 15)
    yield "gitops", repositories
    yield "help", lambda: running.helps(5 if quick else 30)


PODMAN = ("nothing", "peers", "save", "wish", "sizes", "gitops", "heal", "pressed", "look", "rest")
FILES = (100, 1000, 10_000)
COMMITS = (10, 1000)
"""Slot files and commits of a repository that is followed."""


def _with_podman(machine: Machine, starts: ground.Starts, quick: bool) -> Iterator[tuple[str, Bench]]:
    slots, rounds = (4, 2) if quick else (20, 7)
    yield "nothing", lambda: from_nothing.against_api(machine, starts, slots, rounds)
    if isinstance(machine, Own):
        yield "peers", lambda: from_nothing.against_peers(machine, starts, slots, 1 if quick else 5)
    yield "save", lambda: [running.saves(machine, starts, slots, slots)]
    yield "wish", lambda: wishing.wishes(machine, starts, slots, rounds * 3)
    yield "sizes", lambda: wishing.sizes(machine, 100 if quick else 1000, rounds * 2)
    yield "gitops", lambda: gitops.first_writes(machine, starts, FILES[1], 3 if quick else 20)
    yield "gitops", lambda: gitops.applied(machine, FILES[:2] if quick else FILES, COMMITS, 3 if quick else 20)
    yield "heal", lambda: running.deaths(machine, starts, slots)
    yield (
        "pressed",
        lambda: pressed.pressed(machine, starts, 100 if quick else 1000, 2 if quick else 8, 1 if quick else 3),
    )
    yield "look", lambda: running.first_looks(machine, slots, 3 if quick else 12)
    yield "rest", lambda: running.at_rest(machine, 10 if quick else 100, rounds * 5, 5 if quick else 60)


if __name__ == "__main__":
    main()
