"""Deaths, seen by pidfd within half a millisecond, and kills that cannot hit a stranger."""

import asyncio
import contextlib
import os
import select
import signal
from collections.abc import Callable
from typing import NamedTuple

from hal0_operator.host import proc

KILL_WAIT_S = 2.0
"""How long a kill waits for the deaths, so that ports and nodes are free when it returns."""


def has_died(descriptor: int, timeout_s: float = 0) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(timeout_s * 1000))


class Watched(NamedTuple):
    pid: int
    descriptor: int
    fired: Callable[[], None]


class Watches:
    """One pidfd per container on the running asyncio loop.

    ``watch``, ``forget`` and ``close`` belong to the loop's thread; ``alive`` may be asked by any.
    """

    def __init__(self) -> None:
        self._watched: dict[str, Watched] = {}

    def watch(self, pid: int, container_id: str, fired: Callable[[], None]) -> bool:
        """Watch ``pid`` for this container, in place of what was watched before.

        False when the process is gone or not the container's; what was watched before stays then.
        """
        before = self._watched.get(container_id)
        if before and before.pid == pid and not has_died(before.descriptor):
            self._watched[container_id] = before._replace(fired=fired)
            return True
        try:
            descriptor = os.pidfd_open(pid)
        except (OSError, ValueError):
            return False
        # Only a descriptor that was opened before the question makes the answer about this very process.
        if not proc.owns(pid, container_id) or has_died(descriptor):
            os.close(descriptor)
            return False
        self.forget(container_id)
        asyncio.get_running_loop().add_reader(descriptor, self._fire, container_id, descriptor)
        self._watched[container_id] = Watched(pid, descriptor, fired)
        return True

    def _fire(self, container_id: str, descriptor: int) -> None:
        watched = self._watched.get(container_id)
        if watched and watched.descriptor == descriptor:
            self.forget(container_id)
            watched.fired()

    def forget(self, container_id: str) -> None:
        watched = self._watched.pop(container_id, None)
        if watched:
            asyncio.get_running_loop().remove_reader(watched.descriptor)
            os.close(watched.descriptor)

    def alive(self, container_id: str) -> bool:
        return container_id in self._watched

    def close(self) -> None:
        for container_id in tuple(self._watched):
            self.forget(container_id)


def _descendants(root: int) -> list[int]:
    parents = {pid: proc.state_and_parent(pid)[1] for pid in proc.pids()}
    found: list[int] = []
    frontier = {root}
    while frontier:
        frontier = {pid for pid, parent in parents.items() if parent in frontier}
        found.extend(frontier)
    return found


def kill_orphan(pid: int, container_id: str) -> bool:
    """End the conmon of this container, or a process in it, and all that descends from it, by SIGKILL.

    False, and nothing is touched, when ``pid`` is neither.  The monitor goes first, so that it does
    not run Podman's clean-up for a container that Podman does not know.
    """
    with contextlib.ExitStack() as opened:

        def open_pidfd(target: int) -> int | None:
            try:
                descriptor = os.pidfd_open(target)
            except (OSError, ValueError):
                return None
            opened.callback(os.close, descriptor)
            return descriptor

        monitor = open_pidfd(pid)
        found = proc.conmon_of(pid)
        theirs = found.id == container_id if found is not None else proc.owns(pid, container_id)
        if monitor is None or not theirs or has_died(monitor):
            return False
        targets = [monitor]
        # A pid that was reused between the two looks has another parent by now.
        before = _descendants(pid)
        descriptors = {child: open_pidfd(child) for child in before}
        still = set(_descendants(pid))
        targets += [fd for child, fd in descriptors.items() if fd is not None and child in still]
        for target in targets:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(target, signal.SIGKILL)
        return all(has_died(target, KILL_WAIT_S) for target in targets)
