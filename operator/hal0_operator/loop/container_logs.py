"""What containers print: the last lines, or as they come, without secrets."""

from collections.abc import AsyncIterator

import anyio
import anyio.from_thread
import anyio.to_thread

from hal0_operator.loop.drive import Drive
from hal0_operator.loop.view import Refused
from hal0_operator.runtimes.exits import lines_without_secrets
from hal0_operator.seams.podman import Cancel, PodmanFault

BUFFER = 256
"""Lines that a slow reader may lag behind."""


class ContainerLogs:
    """Of a slot's own container.  Every method raises ``Refused``."""

    def __init__(self, drive: Drive) -> None:
        self._hands = drive.hands
        self._core = drive.reconciler

    def previous(self, slot: str, lines: int) -> tuple[str, ...]:
        """What was kept of the container that ended last."""
        exit = self._core.notes.of(slot).last_exit
        if exit is None:
            raise Refused("slot.no_previous", f"nothing is kept of a previous container of {slot}")
        return exit.lines[-lines:]

    async def last(self, slot: str, lines: int) -> tuple[str, ...]:
        id = self._container(slot)
        try:
            raw = await anyio.to_thread.run_sync(lambda: self._hands.podman.logs(id, lines))
        except PodmanFault as failed:
            raise Refused("podman.unavailable", failed.fault.message) from failed
        return self._masked(slot, raw)

    async def follow(self, slot: str, lines: int) -> AsyncIterator[str]:
        id = self._container(slot)
        cancel: list[Cancel] = []
        send, receive = anyio.create_memory_object_stream[str](BUFFER)

        def read() -> None:
            try:
                for line in self._hands.podman.follow_logs(id, lines, cancel):
                    anyio.from_thread.run(send.send, line)
            except (PodmanFault, anyio.BrokenResourceError):
                return
            finally:
                anyio.from_thread.run_sync(send.close)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: anyio.to_thread.run_sync(read, abandon_on_cancel=True))
            try:
                async for line in receive:
                    yield self._masked(slot, (line,))[0]
            finally:
                for stop in cancel:
                    stop()
                tasks.cancel_scope.cancel()

    def _container(self, slot: str) -> str:
        own = self._core.world.own(slot)
        if not own:
            raise Refused("slot.no_container", f"{slot} has no container now; try --previous")
        return own[0].id

    def _masked(self, slot: str, lines: tuple[str, ...]) -> tuple[str, ...]:
        found = self._core.aims.effective.get(slot)
        facts = self._core.state(slot).facts
        return lines_without_secrets(lines, found.inputs if found is not None else None, facts)
