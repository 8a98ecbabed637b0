"""The only async around the reconciler: hand out keys, perform, fold, sleep until something is due."""

from collections.abc import Callable

import anyio
import msgspec
from anyio.abc import TaskGroup

from hal0_operator.loop.effects import Hands
from hal0_operator.loop.own_fault import told
from hal0_operator.model.action import Effect, Key, Listed, Outcome
from hal0_operator.model.world import Container, Listing
from hal0_operator.reconcile.notes import News
from hal0_operator.reconcile.reconciler import Reconciler
from hal0_operator.seams.clock import Clock
from hal0_operator.seams.podman import Cancel

STOP_S = 2.0
"""How long calls in flight may take once the operator is asked to end."""


class Drive:
    """``changed`` is called with the slots (``None``: all) whose status may have moved, ``news`` with
    what people may want to know.
    """

    def __init__(self, reconciler: Reconciler, hands: Hands, clock: Clock) -> None:
        self.reconciler = reconciler
        self.hands = hands
        self.clock = clock
        self.changed: Callable[[str | None], None] = lambda _slot: None
        self.news: Callable[[News], None] = lambda _news: None
        self.seconds = (0, 0.0)
        self._stopping = False
        self._woken = anyio.Event()
        self._cancels: dict[Key, list[Cancel]] = {}
        self._listed = anyio.Event()
        self._quiet = anyio.Event()
        self._ended = anyio.Event()

    def wake(self) -> None:
        """Something was hinted: look at the queue again."""
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled, or ``stop`` was called and the calls in flight have ended."""
        async with anyio.create_task_group() as tasks:
            while not self._stopping:
                self._woken = anyio.Event()
                self._turns(tasks)
                await self._sleep()
            with anyio.move_on_after(STOP_S, shield=True):
                while self.reconciler.begun:
                    self._woken = anyio.Event()
                    await self._woken.wait()
            self._abandon_all()
            self._ended.set()
            tasks.cancel_scope.cancel()

    async def ended(self) -> None:
        """Return once ``run`` is over after ``stop``."""
        await self._ended.wait()

    def stop(self) -> None:
        """No new action from now on; every container keeps running."""
        self._stopping = True
        self.wake()

    async def observed(self) -> None:
        """Return once a list was folded."""
        if self.reconciler.world.tick == 0:
            await self._listed.wait()

    async def quiet(self) -> None:
        """Return once nothing is left to do but waiting."""
        while not self.reconciler.quiet():
            await self._quiet.wait()

    def _tell(self) -> None:
        news, self.reconciler.notes.news = self.reconciler.notes.news, []
        for item in news:
            self.news(item)
        if self.reconciler.quiet():
            quiet, self._quiet = self._quiet, anyio.Event()
            quiet.set()

    async def _sleep(self) -> None:
        until = self.reconciler.wake()
        if until is None:
            await self._woken.wait()
            return
        with anyio.move_on_after(max(until - self.clock.monotonic(), 0)):
            await self._woken.wait()

    def _turns(self, tasks: TaskGroup) -> None:
        reconciler = self.reconciler
        begun = self.clock.monotonic()
        while keys := reconciler.due(self.clock.monotonic()):
            for key in keys:
                self._turn(key, tasks)
        for key in reconciler.abandoned():
            self._abandon(key)
        count, seconds = self.seconds
        self.seconds = (count + 1, seconds + self.clock.monotonic() - begun)
        self._tell()

    def _turn(self, key: Key, tasks: TaskGroup) -> None:
        try:
            effect = self.reconciler.begin(key, self.clock.monotonic())
        except Exception as fault:  # noqa: BLE001 - one slot's turn that fails delays no other
            self._failed(key, fault)
            return
        if key.lane in ("slot", "probe"):
            self.changed(key.name)
        if effect is not None:
            tasks.start_soon(self._perform, key, effect)

    async def look(self, effect: Effect) -> Outcome:
        """Perform an effect of the list or image lane for whoever looks without a loop."""
        outcome = await self.hands.perform(effect, [])
        return Listed(self._with_pulses(outcome.listing)) if isinstance(outcome, Listed) else outcome

    async def _perform(self, key: Key, effect: Effect) -> None:
        cancel = self._cancels[key] = []
        outcome: Outcome = await self.hands.perform(effect, cancel)
        del self._cancels[key]
        try:
            self._end(key, effect, outcome)
        except Exception as fault:  # noqa: BLE001 - nor does what came of one effect
            self._failed(key, fault)
        self.wake()

    def _end(self, key: Key, effect: Effect, outcome: Outcome) -> None:
        if isinstance(outcome, Listed):
            outcome = Listed(self._with_pulses(outcome.listing))
        was_down = self.reconciler.podman.down
        self.reconciler.end(key, effect, outcome, self.clock.monotonic())
        if key.lane == "list":
            self._after_list()
        if key.lane in ("slot", "probe"):
            self.changed(key.name)
        elif self.reconciler.podman.down != was_down or key.lane in ("images", "pull", "store"):
            self.changed(None)

    def _failed(self, key: Key, fault: Exception) -> None:
        """A fault of our own: the timer gives the key another turn."""
        slot = key.name if key.lane in ("slot", "probe") else ""
        self.news(News("Warning", "OwnFault", slot, told(f"{key.lane} {key.name}".rstrip(), fault)))

    def _with_pulses(self, listing: Listing) -> Listing:
        """Each running row with whether its process lives; from now on a pidfd tells of its death."""
        return Listing(tuple(self._with_pulse(row) for row in listing.containers))

    def _with_pulse(self, row: Container) -> Container:
        if row.state not in ("running", "stopping") or not row.pid:
            return row
        alive = self.hands.procs.watch(row.pid, row.id, lambda: self._died(row.id))
        return msgspec.structs.replace(row, alive=alive)

    def _died(self, id: str) -> None:
        world = self.reconciler.world
        container = world.containers.get(id)
        self.reconciler.died(id, self.clock.monotonic())
        if container is not None and (slot := world.owner(container)):
            self.changed(slot)
        self.wake()

    def _after_list(self) -> None:
        """A ghost whose process nobody watches any more is gone."""
        for id in tuple(self.reconciler.world.ghosts):
            if not self.hands.procs.alive(id):
                self.reconciler.died(id, self.clock.monotonic())
        if self.reconciler.world.tick:
            self._listed.set()

    def _abandon(self, key: Key) -> None:
        for cancel in self._cancels.get(key, ()):
            cancel()

    def _abandon_all(self) -> None:
        for key in tuple(self._cancels):
            self._abandon(key)
