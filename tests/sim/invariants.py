"""What must hold after every step, by the numbers of ARCHITECTURE.md."""

from collections import defaultdict

from hal0_operator.model import action as a
from hal0_operator.model.container import LABEL_HOME, LABEL_NPU, LABEL_SLOT, LABEL_SPEC
from hal0_operator.reconcile.rollback import is_rejected
from tests.sim.podman import Box
from tests.sim.simulator import Simulator

STARTS_IN_10_S = 9
"""What the pace lets through: one at once, then 0.5, 1, 2 and 4 seconds, and a swap or two."""


class Broken(AssertionError):
    """An invariant does not hold; the message ends with the last lines of the journal."""


class Invariants:
    """Watches one simulator from its beginning."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self.starts: dict[str, list[float]] = defaultdict(list)
        self.foreign_boxes: dict[str, str] = {}
        self.swapping: dict[str, set[str]] = defaultdict(set)
        self.life = sim.epoch
        sim.look = self.look

    def look(self, when: str, effect: a.Effect | None) -> None:
        if when == "begin" and effect is not None:
            self._begun(effect)
        if when == "apply" and effect is not None:
            self._applied(effect)
        if when == "end":
            self._states()

    def fail(self, number: str, message: str) -> None:
        raise Broken(f"{number}: {message}\n" + "\n".join(self.sim.journal[-40:]))

    # ── what a call may be ─────────────────────────────────────────────────────────────────────

    def _begun(self, effect: a.Effect) -> None:
        if self.life != self.sim.epoch:
            # Pace is in memory, and a remove of a killed operator may take effect later, unseen.
            self.life = self.sim.epoch
            self.swapping.clear()
            self.starts.clear()
        core = self.sim.reconciler
        slot = getattr(effect, "slot", "")
        acting = isinstance(effect, a.Create | a.Start | a.Stop | a.Remove)
        if acting and core.aims.held(slot) is not None:
            self.fail("S11", f"{a.describe(effect)}: the slot is hands off")
        if isinstance(effect, a.Create):
            self._create(effect)
        if isinstance(effect, a.Start):
            self._start(effect)
        if isinstance(effect, a.Remove | a.Stop):
            self._ends(effect)

    def _create(self, effect: a.Create) -> None:
        core = self.sim.reconciler
        target = core.aims.targets[effect.slot]
        wanted = core.aims.effective[effect.slot]
        memory = core.notes.of(effect.slot)
        digest = effect.spec.labels[LABEL_SPEC]
        if digest not in (wanted.digest, target.digest):
            self.fail("S6", f"{effect.slot} is created with inputs that nobody wants")
        if is_rejected(target, memory) and wanted.rolled_back and digest == target.digest:
            self.fail("S12", f"{effect.slot}: the rejected digest is tried again")
        claimed = core.aims.claims.ports.get(effect.spec.host_port, effect.slot)
        if wanted.rolled_back and claimed != effect.slot:
            self.fail("S13", f"the rollback of {effect.slot} takes the port of {claimed}")

    def _start(self, effect: a.Start) -> None:
        times = self.starts[effect.slot]
        times.append(self.sim.time)
        digest = self.sim.reconciler.digest_of(effect.slot)
        recent = [t for t in times if t > self.sim.time - 10]
        heals = self.sim.reconciler.state(effect.slot).heal_tries
        if len(recent) - heals > STARTS_IN_10_S and self.sim.faults.rate == 0:
            self.fail("S10", f"{effect.slot} ({digest}) was started {len(recent)} times in 10 s")

    def _ends(self, effect: a.Remove | a.Stop) -> None:
        """S4, S5 and S14: whose container it is, whether it is healthy, and whose turn it is."""
        box = self.sim.podman.boxes.get(effect.id)
        if box is None:
            return
        core = self.sim.reconciler
        ours = box.spec.labels.get(LABEL_HOME) == "h1" and box.spec.name == f"hal0-{effect.slot}"
        if not ours and core.world.recorded.get(box.id) != effect.slot:
            self.fail("S4", f"{a.describe(effect)}: {box.spec.name} is not ours")
        target, wanted = core.aims.targets.get(effect.slot), core.aims.effective.get(effect.slot)
        if target is None or wanted is None:
            return
        state = core.state(effect.slot)
        if self._healthy(box) and box.spec.labels[LABEL_SPEC] == wanted.digest and state.restart_id != box.id:
            if not state.doomed:
                self.fail("S5", f"{a.describe(effect)}: it is healthy and wanted")
        if self._healthy(box) and not wanted.rolled_back and state.restart_id != box.id:
            self._one_swap(effect.slot, target.profile_digest)

    def _one_swap(self, slot: str, profile: str) -> None:
        core = self.sim.reconciler
        others = self.swapping[profile]
        for other in set(others):
            target = core.aims.targets.get(other)
            done = target is None or not target.wanted or core.is_ready(other) or target.profile_digest != profile
            if done or core.rolled_back(other) or core.aims.held(other) is not None:
                others.discard(other)
        others.discard(slot)
        if others and core.notes.of(slot).last_good is not None and self._from_profile(slot):
            self.fail("S14", f"{slot} swaps while {sorted(others)} of the same profile are not Ready")
        others.add(slot)

    def _from_profile(self, slot: str) -> bool:
        core = self.sim.reconciler
        good, target = core.notes.of(slot).last_good, core.aims.targets[slot]
        return good is not None and target.inputs is not None and good.inputs.flags != target.inputs.flags

    def _healthy(self, box: Box) -> bool:
        return box.running and box.state == "running" and self.sim.start_of(box) in self.sim.passed

    # ── what the machine may be ────────────────────────────────────────────────────────────────

    def _applied(self, effect: a.Effect) -> None:
        """S2 at the instant that matters: nothing else has the NPU when a container takes it."""
        if isinstance(effect, a.Start):
            box = self.sim.podman.boxes.get(effect.id)
            if box is not None and box.spec.labels.get(LABEL_NPU) == "1":
                others = [p for p in self.sim.podman.processes if p.alive and p.npu and p.box != box.id]
                if others:
                    self.fail("S2", f"{box.spec.name} starts on the NPU beside {others[0].name}")

    def _states(self) -> None:
        boxes = self.sim.podman.boxes.values()
        slots: dict[str, str] = {}
        ports: dict[int, str] = {}
        npus = [b for b in boxes if b.spec.labels.get(LABEL_NPU) == "1"]
        for box in boxes:
            if box.spec.labels.get(LABEL_HOME) != "h1":
                continue
            slot = box.spec.labels[LABEL_SLOT]
            if box.spec.name == f"hal0-{slot}":
                if slot in slots:
                    self.fail("S1", f"two containers of {slot}")
                slots[slot] = box.id
            if box.running and box.spec.host_port in ports:
                self.fail("S3", f"two containers on port {box.spec.host_port}")
            ports[box.spec.host_port] = box.id
        if sum(b.running for b in npus) > 1:
            self.fail("S2", "two NPU containers run")
        self._ready_is_proven()

    def _ready_is_proven(self) -> None:
        core = self.sim.reconciler
        for slot in filter(core.is_ready, core.all_slots()):
            own = core.world.own(slot)
            box = self.sim.podman.boxes.get(own[0].id) if own else None
            if box is None or not box.running:
                continue
            # Without pidfds a death and a late start in between are seen by the next list only.
            proven = self.sim.passed if self.sim.faults.hints else {start.split("/")[0] for start in self.sim.passed}
            if (self.sim.start_of(box) if self.sim.faults.hints else box.id) not in proven:
                self.fail("S16", f"{slot} counts as Ready and no probe passed on this start")


def converged(sim: Simulator) -> list[str]:
    """What is not yet as the home says; empty when all is."""
    core = sim.reconciler
    wrong = []
    for slot in core.all_slots():
        own, wanted = core.world.own(slot), core.aims.effective.get(slot)
        if core.aims.held(slot) is not None:
            continue
        if wanted is None and own:
            wrong.append(f"{slot} should be gone")
        elif wanted is not None and not core.is_ready(slot):
            wrong.append(f"{slot} is not Ready: {core.state(slot).waiting}")
    for slot, target in core.aims.targets.items():
        found = [b for b in sim.podman.boxes.values() if b.spec.name == f"hal0-{slot}"]
        if target.wanted and core.aims.held(slot) is None and not (found and found[0].running):
            wrong.append(f"{slot} does not run")
    return wrong
