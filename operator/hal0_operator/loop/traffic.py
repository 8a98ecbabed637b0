"""What requests do to the loop: they are counted, hold a removal up, and load slots on demand."""

from collections.abc import Iterable, Iterator

import anyio
import msgspec

from hal0_operator.loop.demand import Asked, Demand
from hal0_operator.loop.drive import Drive
from hal0_operator.loop.standing import is_hopeless, standing
from hal0_operator.loop.statuses import Statuses
from hal0_operator.model.launch import Target
from hal0_operator.reconcile.cause import start_limit
from hal0_operator.routing.directory import Directory
from hal0_operator.routing.endpoints import ENDPOINTS
from hal0_operator.routing.failure import Failure
from hal0_operator.routing.route import unserved
from hal0_operator.routing.standing import Standing
from hal0_operator.runtimes.inputs import NO_SHADOWS, target
from hal0_operator.seams.clock import Clock

ENDPOINT = ENDPOINTS["/v1/chat/completions"]
"""Only a refusal of the NPU's chat slot names it."""


class Traffic:
    """The loop as the gateway sees it.  Everything but ``wake`` and ``run`` answers at once.

    What ``stands`` answers holds until the next turn of the event loop: ``began`` must follow within the same one.
    ``look`` is to be called after every admission, before the loop acts on it, and ``run`` to be kept running.
    """

    def __init__(self, drive: Drive, statuses: Statuses, clock: Clock) -> None:
        self._drive = drive
        self._core = drive.reconciler
        self._statuses = statuses
        self._clock = clock
        self._demand = Demand()
        self._counts: dict[tuple[str, str], int] = {}
        self._rearm = anyio.Event()
        self._armed: float | None = None
        self._directory = Directory()
        self._directory_of: tuple[object, object] = (None, None)

    # ── what a request asks ────────────────────────────────────────────────────────────────────

    def directory(self) -> Directory:
        """Made anew when a target changed, or what is refused."""
        aims = self._core.aims
        if self._directory_of[0] is not aims.targets or self._directory_of[1] is not aims.desired:
            self._directory_of = (aims.targets, aims.desired)
            refused = {name: why for name, why in aims.desired.frozen.items() if name not in aims.targets}
            self._directory = Directory.of([*aims.targets.values(), *self._stand_ins(refused)], refused)
        return self._directory

    def _stand_ins(self, refused: Iterable[str]) -> Iterator[Target]:
        """For slots that were never admitted, of what their files say; for none whose file could not be read."""
        for name in refused:
            slot = self._statuses.stand_in(name)
            if slot is not None:
                yield target(slot, None, NO_SHADOWS, self._core.settings, None, "")

    def stands(self, slot: str) -> Standing:
        return standing(self._core, self._statuses, slot, self._clock.monotonic())

    # ── what a request does ────────────────────────────────────────────────────────────────────

    def began(self, slot: str, container: str) -> None:
        """One more request is in flight in this container."""
        self._count(slot, container, 1)
        self.wanted(slot)

    def ended(self, slot: str, container: str) -> None:
        """Once for each ``began``."""
        self._count(slot, container, -1)
        self.unwanted(slot)

    def answered(self, slot: str, container: str) -> None:
        """Bytes of an answer came."""
        self._core.answered(slot, container, self._clock.monotonic())

    def unanswered(self, slot: str, container: str) -> None:
        """A request had its time and no answer."""
        self._core.unanswered(slot, container, self._clock.monotonic())
        self._statuses.stale(slot)
        self._drive.wake()

    async def wake(self, slot: str) -> Standing | Failure:
        """Count as a request for the slot until its container may be asked, or cannot be.

        It is waited for as long as the slot's start may take.
        """
        begun = self._clock.monotonic()
        self.wanted(slot)
        try:
            while True:
                moved = self._statuses.moved()
                found = self.stands(slot)
                if found.container:
                    return found
                left = self.left(slot, begun)
                if left <= 0 or self.is_hopeless(slot, found):
                    return self._refusal(slot, found, late=left <= 0)
                with anyio.move_on_after(left):
                    await moved.wait()
        finally:
            self.unwanted(slot)

    def is_hopeless(self, slot: str, found: Standing) -> bool:
        """Nothing makes it serve that is under way."""
        return is_hopeless(self._core, slot, found, self._clock.monotonic())

    def left(self, slot: str, begun: float) -> float:
        """Seconds that a start may still take which was asked for then."""
        return begun + start_limit(self._core.view(slot, begun)) - self._clock.monotonic()

    def _refusal(self, slot: str, found: Standing, *, late: bool) -> Failure:
        if late:
            why = f"not ready within its start-up deadline; {found.why}".rstrip("; ")
            found = msgspec.structs.replace(found, why=why)
        listing = self.directory().slots.get(slot)
        if listing is None:
            return Failure(404, "slot.unknown", f"slot {slot} is gone")
        return unserved(ENDPOINT, listing, found)

    # ── what becomes of it ─────────────────────────────────────────────────────────────────────

    def look(self) -> None:
        """Decide anew which slots nobody asks for."""
        core, now = self._core, self._clock.monotonic()
        slots = {name: Asked(timeout, self._runs(name)) for name, timeout in core.aims.on_demand.items()}
        idle, before = self._demand.idle(now, slots), core.aims.wishes.idle
        at = self.next_look()
        if at is not None and (self._armed is None or at < self._armed):
            self._rearm.set()
        if idle == before:
            return
        core.override(msgspec.structs.replace(core.aims.wishes, idle=idle))
        for slot in idle ^ before:
            self._statuses.stale(slot)
        self._drive.wake()

    def next_look(self) -> float | None:
        """When a slot becomes idle if nothing happens before."""
        return self._demand.next_change(self._clock.monotonic())

    async def run(self) -> None:
        """Look whenever a slot's time is over; until cancelled."""
        while True:
            self._rearm = anyio.Event()
            self._armed = self.next_look()
            now = self._clock.monotonic()
            with anyio.move_on_after(float("inf") if self._armed is None else self._armed - now):
                await self._rearm.wait()
            self._armed = None
            self.look()

    def _count(self, slot: str, container: str, more: int) -> None:
        key = (slot, container)
        count = self._counts[key] = self._counts.get(key, 0) + more
        if not count:
            del self._counts[key]
        self._core.traffic(slot, container, count)
        if self._core.draining(slot):
            self._statuses.stale(slot)
            self._drive.wake()

    def wanted(self, slot: str) -> None:
        """One more request asks for the slot, whether or not a container has it yet."""
        self._demand.began(slot, self._clock.monotonic())
        if slot in self._core.aims.wishes.idle:
            self.look()

    def unwanted(self, slot: str) -> None:
        """Once for each ``wanted``."""
        self._demand.ended(slot, self._clock.monotonic())
        if slot in self._core.aims.on_demand and (self._armed is None or self._demand.until(slot) < self._armed):
            self._rearm.set()

    def _runs(self, slot: str) -> bool:
        own = self._core.world.own(slot)
        return bool(own) and own[0].state == "running" and own[0].alive is not False
