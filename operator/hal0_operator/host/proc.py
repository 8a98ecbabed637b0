"""One process as ``/proc`` shows it: command, parent, container.  Everything may vanish while one looks."""

import os
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

CGROUP_LIMIT = 16_384
ARGV_LIMIT = 65_536
_ID = re.compile(rb"libpod-(?:conmon-)?([0-9a-f]{64})")
"""Podman's cgroup of a container: ``libpod-ID``, with ``.scope`` under systemd, on every cgroup version."""
ANCESTORS = 64
"""How many parents are asked; a chain is a handful, a loop is impossible but a race may show one."""


class Conmon(NamedTuple):
    """A container monitor, by its own arguments."""

    pid: int
    id: str
    name: str


def read(pid: int, name: str, limit: int) -> bytes:
    """A file of ``/proc/PID``; empty when the process is gone or hidden."""
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read(limit)
    except OSError:
        return b""


def pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def argv(pid: int) -> list[str]:
    """Empty for kernel threads, zombies and hidden processes."""
    text = read(pid, "cmdline", ARGV_LIMIT)
    return [part.decode("utf-8", "replace") for part in text.rstrip(b"\0").split(b"\0")] if text else []


def state_and_parent(pid: int) -> tuple[str, int]:
    """``("S", 1)``; ``("", 0)`` when there is no such process.  ``Z`` and ``X`` are dead."""
    # The command stands in brackets and may itself hold brackets and spaces.
    fields = read(pid, "stat", 4096).rpartition(b")")[2].split()
    return (fields[0].decode(), int(fields[1])) if len(fields) > 1 else ("", 0)


def is_alive(pid: int) -> bool:
    return pid > 0 and state_and_parent(pid)[0] not in ("", "Z", "X")


def conmon_of(pid: int) -> Conmon | None:
    """The container that this process monitors, or None when it is no conmon."""
    words = argv(pid)
    if not words or os.path.basename(words[0]) != "conmon":
        return None
    id, name = "", ""
    for option, value in pairwise(words):
        if option in ("-c", "--cid") and not id:
            id = value
        elif option in ("-n", "--name") and not name:
            name = value
    return Conmon(pid, id, name) if id else None


def cgroup_container(pid: int) -> str:
    """The container id in the process's cgroup; ``""`` where cgroups do not show one."""
    found = _ID.search(read(pid, "cgroup", CGROUP_LIMIT))
    return found[1].decode() if found else ""


def container_of(pid: int) -> str:
    """The Podman container that a process runs in, ``""`` for none.

    Where no cgroup names one (rootless without delegation, no cgroup file system) the nearest
    conmon among its ancestors does.
    """
    named = cgroup_container(pid)
    if named:
        return named
    for _ in range(ANCESTORS):
        pid = state_and_parent(pid)[1]
        if pid <= 1:
            return ""
        monitor = conmon_of(pid)
        if monitor:
            return monitor.id
    return ""


def owns(pid: int, container_id: str) -> bool:
    """Whether this process lives and runs in that container.

    Without a cgroup that says so and with its conmon gone nothing can tell, and the answer is no:
    such a container has nobody left that would see it end.
    """
    return bool(container_id) and is_alive(pid) and container_of(pid) == container_id


def describe(pid: int) -> str:
    """``nginx (pid 123)``, or with its container."""
    words = argv(pid)
    name = os.path.basename(words[0]) if words else read(pid, "comm", 64).decode("utf-8", "replace").strip()
    name = "".join(char if char.isprintable() else "?" for char in name)[:64] or "a process"
    container = container_of(pid)
    return f"{name} (pid {pid}, container {container[:12]})" if container else f"{name} (pid {pid})"
