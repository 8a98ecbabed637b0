"""Who holds a port."""

import os
from collections.abc import Iterator
from typing import NamedTuple

from hal0_operator.host import proc
from hal0_operator.host.listening import Listener
from hal0_operator.model.container import container_name
from hal0_operator.model.world import Container

FORWARDERS = ("rootlessport", "rootlessport-child", "pasta", "pasta.avx2", "slirp4netns", "exe")
"""Rootless port forwarders; ``exe`` is how rootlessport, started from /proc/self/exe, may show."""


class Holder(NamedTuple):
    """Who listens; ``conmon`` when it is a container's monitor."""

    text: str
    conmon: proc.Conmon | None = None


def _holds(pid: int, inodes: frozenset[str]) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        for name in os.listdir(folder):
            try:
                if os.readlink(f"{folder}/{name}") in inodes:
                    return True
            except OSError:
                continue
    except OSError:
        return False
    return False


def _monitors(own: tuple[Container, ...]) -> Iterator[int]:
    for container in own:
        if container.pid > 0:
            yield proc.state_and_parent(container.pid)[1]


def holder_of(port: int, found: list[Listener], own: tuple[Container, ...]) -> Holder | None:
    """Who keeps 127.0.0.1:``port`` from being bound; None when nobody, or a container in ``own``, does.

    A published port of a rootful container is held by its conmon, of a rootless one by a
    forwarder without a telling argument: that one is believed to serve the running container of
    ours that has the port.
    """
    blocking = [listener for listener in found if listener.port == port and listener.blocks_loopback]
    if not blocking:
        return None
    inodes = frozenset(f"socket:[{listener.inode}]" for listener in blocking)
    serving = tuple(container for container in own if port in container.ports)
    # The usual holder is asked first: scanning every process costs milliseconds.
    pid = next((pid for pid in _monitors(serving) if pid > 1 and _holds(pid, inodes)), 0)
    pid = pid or next((pid for pid in proc.pids() if _holds(pid, inodes)), 0)
    if not pid and any(container.state == "running" for container in serving):
        return None  # of another user, as Podman's service is: the port is where it should be
    if not pid:
        return Holder(f"a process of user {blocking[0].uid} that this user may not look into")
    conmon = proc.conmon_of(pid)
    if conmon:
        if any(container.id == conmon.id for container in own):
            return None
        return Holder(f"container {conmon.name or '?'} ({conmon.id[:12]}, by its conmon, pid {pid})", conmon)
    words = proc.argv(pid)
    if serving and words and os.path.basename(words[0]) in FORWARDERS:
        return None
    return Holder(proc.describe(pid))


def orphan_of(holder: Holder | None) -> proc.Conmon | None:
    """The holder's conmon when it monitors a container that is named as a slot's is."""
    conmon = holder.conmon if holder else None
    return conmon if conmon and conmon.name.startswith(container_name("")) else None
