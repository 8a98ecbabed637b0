"""Targets and effective inputs of every slot, kept current as admission and memory change."""

from collections.abc import Callable, Iterable

from hal0_operator.model.action import Held
from hal0_operator.model.launch import Target
from hal0_operator.model.memory import SlotMemory
from hal0_operator.model.settings import Settings
from hal0_operator.reconcile.desired import Desired, Wishes
from hal0_operator.reconcile.holders import Peers
from hal0_operator.reconcile.notes import Notes
from hal0_operator.reconcile.rollback import Claims, Effective, effective
from hal0_operator.reconcile.state import Drain
from hal0_operator.runtimes.inputs import Memo, targets


class Aims:
    """``is_ready`` answers whether a slot serves its effective inputs; ``ending`` are the containers
    that a call of ours in flight stops or removes: their death is no crash; ``swapping`` the slots
    whose old container was given up for other inputs and whose new one is not Ready yet; ``drains``
    the containers that are given up once their requests are answered, by slot.  ``on_demand`` maps
    the slots that are loaded by a request to their idle time in seconds.
    """

    def __init__(self, settings: Settings, notes: Notes) -> None:
        self.settings = settings
        self.notes = notes
        self.desired = Desired()
        self.wishes = Wishes()
        self.targets: dict[str, Target] = {}
        self.effective: dict[str, Effective] = {}
        self.is_ready: Callable[[str], bool] = lambda _slot: False
        self.ending: set[str] = set()
        self.swapping: set[str] = set()
        self.drains: dict[str, Drain] = {}
        self.on_demand: dict[str, float] = {}
        self.claims = Claims({})
        self.peers = self._peers()
        self._memo = Memo()

    def copy(self, notes: Notes) -> "Aims":
        """The same aims over other notes."""
        twin = Aims(self.settings, notes)
        twin.desired, twin.wishes, twin.claims = self.desired, self.wishes, self.claims
        twin.targets, twin.effective = dict(self.targets), dict(self.effective)
        twin.on_demand = self.on_demand
        twin.swapping = set(self.swapping)
        twin.peers = twin._peers()
        return twin

    def admit(self, desired: Desired) -> set[str]:
        """Take over an admitted state; answers the slots whose target changed."""
        self.desired = desired
        self.on_demand = desired.on_demand()
        return self._retarget()

    def override(self, wishes: Wishes) -> set[str]:
        before, self.wishes = self.wishes, wishes
        changed = set(wishes.suspended).symmetric_difference(before.suspended)
        if wishes.idle != before.idle:
            changed |= self._retarget()
        self.peers = self._peers()
        return changed

    def remembered(self, slots: Iterable[str]) -> set[str]:
        """The memory of these slots changed: a port was chosen, a digest rejected or found good."""
        if any(self._port_moved(slot) for slot in slots):
            return self._retarget()
        changed = set()
        for slot in slots:
            before = self.effective.get(slot)
            self._refresh(slot)
            if self.effective.get(slot) != before:
                changed.add(slot)
        return changed

    def held(self, slot: str) -> Held | None:
        """Why a slot is hands off."""
        if (why := self.desired.frozen.get(slot)) is not None:
            return Held(slot, "Denied", why)
        if (override := self.wishes.suspended.get(slot)) is not None:
            reason = f": {override.reason}" if override.reason else ""
            message = f"suspended by {override.by} since {override.since}{reason}; `hal0ctl resume {slot}` ends it"
            return Held(slot, "Suspended", message)
        target = self.targets.get(slot)
        if target is not None and target.slot.operator.suspend:
            return Held(slot, "Suspended", f"`[operator] suspend = true` in {target.slot.file}")
        return None

    def ports_taken(self, slot: str) -> set[int]:
        """Ports that other slots name or were given."""
        named = {s.port for name, s in self.desired.slots.items() if name != slot and s.port}
        given = {m.port for name, m in self.notes.slots.items() if name != slot and m.port}
        return named | given | {self.settings.listen_port}

    def _port_moved(self, slot: str) -> bool:
        target = self.targets.get(slot)
        if target is None or target.slot.port is not None:
            return False
        return self.notes.of(slot).port != (target.inputs.port if target.inputs else None)

    def _retarget(self) -> set[str]:
        named = {s.port for s in self.desired.slots.values() if s.port and s.enabled and not s.is_shadow}
        # A port that a file names since is the file's: the slot that was given it is given another.
        ports = {name: m.port for name, m in self.notes.slots.items() if m.port and m.port not in named}
        before = self.targets
        self.targets = targets(
            self.desired.slots,
            self.desired.catalogue,
            self.desired.generations,
            self.settings,
            ports,
            self._memo,
            self.wishes.idle & self.on_demand.keys(),
        )
        changed = {name for name, target in self.targets.items() if before.get(name) is not target}
        changed |= before.keys() - self.targets.keys()
        if changed:
            self.claims = Claims.of(self.targets)
        rejected = {name for name, m in self.notes.slots.items() if m.rejected is not None}
        for slot in changed | rejected:
            self._refresh(slot)
        self.peers = self._peers()
        return changed

    def _refresh(self, slot: str) -> None:
        target = self.targets.get(slot)
        found = None
        if target is not None:
            found = effective(target, self.notes.slots.get(slot, NOTHING), self.claims, self.settings)
        if found is None:
            self.effective.pop(slot, None)
        else:
            self.effective[slot] = found

    def _peers(self) -> Peers:
        suspended = {n for n, t in self.targets.items() if t.slot.operator.suspend}
        hands_off = frozenset(suspended.union(self.desired.frozen, self.wishes.suspended))
        known = self.notes.slots
        return Peers(self.targets, self.effective, known, hands_off, self._is_ready, self._leaves, self.swapping)

    def _is_ready(self, slot: str) -> bool:
        """Whoever answers that now: a fork of the loop puts itself in the place."""
        return self.is_ready(slot)

    def _leaves(self, id: str) -> bool:
        """A call of ours ends this container, or will as soon as its requests are answered."""
        return id in self.ending or any(drain.container == id for drain in self.drains.values())


NOTHING = SlotMemory()
