"""Every status, derived after every step by the operator's own parts, and held to its rules."""

from collections import Counter
from types import SimpleNamespace

from hal0_operator.loop.source import Source
from hal0_operator.loop.statuses import Statuses
from hal0_operator.model import action as a
from hal0_operator.model.status import SlotStatus
from hal0_operator.status.check import broken_rules
from tests.sim.routing import FLAGS
from tests.sim.simulator import Simulator


class StatusRules:
    """``phases`` counts every change of a slot's phase."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self.phases: Counter[str] = Counter()
        self.before: dict[str, SlotStatus] = {}
        self.statuses = self._made()
        self.life = sim.epoch
        self._answered, self._look = sim.answered, sim.look
        sim.answered, sim.look = self.answered, self.look

    def _made(self) -> Statuses:
        sim = self.sim
        home = SimpleNamespace(
            admission_of=lambda slot: Source.admission_of(self._home(), slot),
            child_of=lambda slot: Source.child_of(self._home(), slot),
        )
        clock = SimpleNamespace(monotonic=lambda: sim.time, wall=lambda: f"{sim.time:.3f}")
        return Statuses(sim.reconciler, home, clock, lambda at: f"{at:.3f}")

    def _home(self) -> SimpleNamespace:
        return SimpleNamespace(_admission=self.sim.admission)

    def look(self, when: str, effect: a.Effect | None) -> None:
        self._look(when, effect)
        if when == "boot":
            self.statuses, self.before = self._made(), {}
        if when == "admit":
            self.statuses.stale(None)
            self._check()

    def answered(self, key: a.Key, effect: a.Effect, outcome: a.Outcome) -> None:
        self._answered(key, effect, outcome)
        # As the shell tells it: a slot's own lanes concern the slot, all others everybody.
        self.statuses.stale(key.name if key.lane in ("slot", "probe") else None)
        self._check()

    def _check(self) -> None:
        core = self.sim.reconciler
        for status in self.statuses.all():
            before = self.before.get(status.name)
            if status is before:
                continue
            self.before[status.name] = status
            if before is None or before.phase != status.phase:
                self.phases[status.phase] += 1
            wrong = list(broken_rules(status))
            ready = status.condition("Ready")
            anchored = status.device == "npu" and status.type != "llm"
            if ready is not None and ready.status == "True" and not core.is_ready(status.name) and not anchored:
                wrong.append("Ready is True and no probe passed on its container")
            if ready is not None and ready.status == "True" and anchored and not self._is_open(status.name):
                wrong.append("S15: Ready is True and the process runs without its flag")
            assert not wrong, f"{status.name}: {wrong}\n{status}\n" + "\n".join(self.sim.journal[-20:])

    def _is_open(self, record: str) -> bool:
        """The process of the NPU slot that serves it was started with its flag, as far as a list can tell."""
        core = self.sim.reconciler
        target = core.aims.targets[record]
        own = core.serving(target.anchor)
        box = self.sim.podman.boxes.get(own.id) if own is not None else None
        return box is None or FLAGS[target.slot.type] in box.spec.command

    def settled(self) -> None:
        """All is well: nothing is on its way, and nothing but what people asked for stalls."""
        self.statuses.stale(None)
        for status in self.statuses.all():
            held = self.sim.reconciler.aims.held(status.name) is not None
            if status.condition("FlagsRejected") is not None:
                held = True  # until a person mends it
            by_type = {c.type: c for c in status.conditions}
            wrong = [t for t in ("Reconciling", "Stalled") if by_type[t].status == "True" and not held]
            assert not wrong, f"{status.name} is settled and {wrong}: {status}"
            if status.wanted and not held:
                assert by_type["Ready"].status == "True", f"{status.name} is settled and not Ready: {status}"
