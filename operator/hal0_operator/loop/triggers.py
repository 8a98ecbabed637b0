"""What wakes the loop: Podman's events and the timer.  Each only says "look again"."""

from collections.abc import Callable

import anyio
import anyio.from_thread
import anyio.to_thread

from hal0_operator.loop.drive import Drive
from hal0_operator.model.container import container_name
from hal0_operator.reconcile.core import slot_key
from hal0_operator.reconcile.reconciler import Reconciler
from hal0_operator.seams.clock import Rng
from hal0_operator.seams.podman import Cancel, Podman, PodmanEvent, PodmanFault

RECONNECT_S = (0.1, 5.0)
JITTER = 0.1
NAME_PREFIX = container_name("")
STOPPED = frozenset({"died", "stop", "kill", "cleanup", "exited"})
QUIET = frozenset({"exec", "exec_died", "health_status", "mount", "unmount", "attach", "init", "sync", "prune"})
"""Container events that change nothing that the world holds."""


def heard(reconciler: Reconciler, event: PodmanEvent) -> None:
    """Hint what an event may mean, unless the world, or a call in flight, already explains it."""
    if event.type == "image" or event.action == "commit":
        reconciler.images_changed()
        return
    if event.type == "system" and event.action == "refresh":
        reconciler.hint(None)
        return
    if event.type != "container" or event.action in QUIET:
        return
    container = reconciler.world.containers.get(event.id)
    slot = reconciler.world.owner(container) if container is not None else ""
    if not slot and event.name.startswith(NAME_PREFIX):
        slot = event.name.removeprefix(NAME_PREFIX)
    if container is None and event.action == "remove":
        reconciler.name_freed(slot)
        reconciler.touch_blocked()
        return
    if _explained(reconciler, event, slot):
        return
    if reconciler.knows(slot):
        reconciler.hint(slot)
    elif container is not None or event.action == "remove":
        reconciler.want_list()


def _explained(reconciler: Reconciler, event: PodmanEvent, slot: str) -> bool:
    container = reconciler.world.containers.get(event.id)
    if slot and slot_key(slot) in reconciler.begun:
        # Our own call on this slot is under way: its outcome says more than its event.
        return True
    match event.action:
        case "create":
            return container is not None
        case "start" | "restart":
            return container is not None and container.state == "running"
        case "remove":
            return container is None
        case action if action in STOPPED:
            return container is None or container.alive is False or container.state != "running"
        case _:
            return False


class Listener:
    """Reads Podman's events in a thread, resumes after the last one, and hints."""

    def __init__(self, podman: Podman, drive: Drive) -> None:
        self._podman = podman
        self._drive = drive
        self._since = 0
        self._cancel: list[Cancel] = []

    async def run(self) -> None:
        delay = RECONNECT_S[0]
        try:
            while True:
                if await anyio.to_thread.run_sync(self._read, abandon_on_cancel=True):
                    delay = RECONNECT_S[0]
                await anyio.sleep(delay)
                delay = min(delay * 2, RECONNECT_S[1])
        finally:
            for cancel in self._cancel:
                cancel()

    def _read(self) -> bool:
        """One stream until it ends; whether it brought anything.  A gap is covered by a fresh look."""
        self._cancel.clear()
        seen = False
        try:
            for event in self._podman.events(self._since, self._cancel):
                seen = True
                self._since = max(self._since, event.time_nano)
                anyio.from_thread.run_sync(self._hear, event)
        except PodmanFault:
            pass
        anyio.from_thread.run_sync(self._look_again)
        return seen

    def _hear(self, event: PodmanEvent) -> None:
        heard(self._drive.reconciler, event)
        self._drive.wake()

    def _look_again(self) -> None:
        self._drive.reconciler.want_list()
        self._drive.wake()


async def resync(drive: Drive, rng: Rng, every_s: float, before: Callable[[], None]) -> None:
    """The timer that makes every hint optional: all slots look again, from a fresh list."""
    while True:
        await anyio.sleep(every_s * rng.jitter(JITTER))
        before()
        drive.reconciler.hint(None)
        drive.wake()
