"""Statuses, derived when something may have moved them, and told to whoever watches."""

from collections.abc import AsyncIterator, Callable

import anyio

from hal0_operator.loop.source import Source
from hal0_operator.model.slot import Slot
from hal0_operator.model.status import SlotStatus
from hal0_operator.reconcile.preflight import rendered_of
from hal0_operator.reconcile.reconciler import Reconciler
from hal0_operator.reconcile.state import NEVER, PullState
from hal0_operator.seams.clock import Clock
from hal0_operator.status.derive import derive
from hal0_operator.status.facts import Record, SlotFacts

PUBLISH_S = 0.02
"""Changes within this time are one for whoever watches."""


class Statuses:
    """``stale`` marks; reading derives.  A slot without target, container or denial is gone."""

    def __init__(self, reconciler: Reconciler, source: Source, clock: Clock, stamp: Callable[[float], str]) -> None:
        self._reconciler = reconciler
        self._source = source
        self._clock = clock
        self._stamp = stamp
        self._statuses: dict[str, SlotStatus] = {}
        self._stale: set[str] = set()
        self._watchers: list[anyio.Event] = []
        self._moved: anyio.Event | None = None

    def stale(self, slot: str | None) -> None:
        if slot is None:
            self._stale.update(self._names(), self._statuses)
        else:
            self._stale.add(slot)
        for event in self._watchers:
            event.set()
        if self._moved is not None:
            moved, self._moved = self._moved, None
            moved.set()

    def moved(self) -> anyio.Event:
        """Set as soon as any status may have changed after this call."""
        if self._moved is None:
            self._moved = anyio.Event()
        return self._moved

    def all(self) -> tuple[SlotStatus, ...]:
        self._derive()
        return tuple(self._statuses[name] for name in sorted(self._statuses))

    def stand_in(self, slot: str) -> Slot | None:
        """What the file of a slot says that was never admitted, as far as it could be read."""
        return self._source.admission_of(slot).slot

    def one(self, slot: str) -> SlotStatus | None:
        self._derive()
        return self._statuses.get(slot)

    async def changes(self) -> AsyncIterator[None]:
        event = anyio.Event()
        self._watchers.append(event)
        try:
            while True:
                await event.wait()
                await anyio.sleep(PUBLISH_S)
                self._watchers.remove(event)
                event = anyio.Event()
                self._watchers.append(event)
                yield
        finally:
            self._watchers.remove(event)

    def _derive(self) -> None:
        if not self._stale:
            return
        stale, self._stale = self._stale, set()
        for slot in stale | self._riders(stale):
            if self._is_shown(slot):
                self._statuses[slot] = derive(self._facts(slot), self._statuses.get(slot))
            else:
                self._statuses.pop(slot, None)

    def _riders(self, slots: set[str]) -> set[str]:
        """Records whose status follows from one of these."""
        targets = self._reconciler.aims.targets
        if not any(slot in targets and targets[slot].slot.is_npu_chat for slot in slots):
            return set()
        return {name for name, target in targets.items() if target.anchor and target.anchor in slots}

    def _is_shown(self, slot: str) -> bool:
        core = self._reconciler
        return slot in core.aims.targets or slot in core.aims.desired.frozen or bool(core.world.own(slot))

    def _names(self) -> set[str]:
        core = self._reconciler
        return {*core.aims.targets, *core.aims.desired.frozen, *core.world.owners()}

    def _facts(self, slot: str, follow: bool = True) -> SlotFacts:
        core = self._reconciler
        now = self._clock.monotonic()
        view = core.view(slot, now)
        anchor = view.target.anchor if view.target is not None and follow else ""
        pull = core.pulls.states.get(view.state.wants_image)
        rendered = ""
        facts = view.state.facts
        if (
            view.effective is not None
            and facts is not None
            and view.state.facts_for == view.effective.digest
            and not facts.problem
        ):
            rendered = rendered_of(view, view.effective, facts)
        return SlotFacts(
            view=view,
            admission=self._source.admission_of(slot),
            ready=core.is_ready(slot),
            now=now,
            stamp=self._stamp,
            podman_down=core.podman.down,
            pull=self._told(pull) if pull is not None else "",
            pull_again_at=pull.again_at if pull and pull.fault and pull.image not in core.pulls.running else None,
            rendered=rendered,
            strays=tuple(c.name for c in core.world.strays(slot)),
            anchor=self._facts(anchor, follow=False) if anchor else None,
            records=self._records(slot) if view.effective is not None and view.effective.rolled_back else (),
        )

    def _records(self, anchor: str) -> tuple[Record, ...]:
        """The enabled records that ride in the process of this slot."""
        riding = (t.slot for t in self._reconciler.aims.targets.values() if t.anchor == anchor and t.slot.enabled)
        return tuple(Record(slot.name, slot.file, slot.type, self._source.child_of(slot.name)) for slot in riding)

    def _told(self, pull: PullState) -> str:
        """How a pull stands: since when it runs and how far it is, or why it failed and when it is tried again."""
        failed = f"; the last try: {pull.fault}" if pull.fault else ""
        if pull.image in self._reconciler.pulls.running:
            progress = f" ({pull.progress})" if pull.progress else ""
            return f"image {pull.image} is being fetched since {self._stamp(pull.begun_at)}{progress}{failed}"
        if pull.again_at > NEVER:
            return f"{pull.fault}; tried again at {self._stamp(pull.again_at)}"
        return f"image {pull.image} waits for its turn to be fetched"
