"""What must hold at every step, by the numbers of ARCHITECTURE.md.

Each is judged from the machine, the home and the calls, and from the loop's own books only where
nothing else can know.
"""

from collections import defaultdict

from hal0_operator.model import action as a
from hal0_operator.model.container import LABEL_SPEC, container_name
from hal0_operator.model.slot import Slot
from hal0_operator.reconcile.holders import blocked_create
from hal0_operator.reconcile.rollback import is_rejected
from tests.sim.admission import Admissions
from tests.sim.pace import Pace
from tests.sim.podman import Box
from tests.sim.routing import Routing
from tests.sim.simulator import Simulator

CHANGES = a.Create | a.Start | a.Stop | a.Remove


class Broken(AssertionError):
    """An invariant does not hold; the message ends with the last lines of the journal."""


class Invariants:
    """Watches one simulator from its beginning."""

    def __init__(self, sim: Simulator, admissions: type[Admissions] = Admissions) -> None:
        self.sim = sim
        self.swapping: dict[str, set[str]] = defaultdict(set)
        self.untouched: dict[str, tuple[str, bool]] = {}
        self.doubtful: dict[str, int] = {}
        self.lists: list[int] = []
        self.listed = 0
        self.steps = 0
        self.pace = Pace(sim)
        self.admissions = admissions(sim)
        self.routing = Routing(sim)
        sim.requests.judge = lambda name, answer: self._said(self.routing.judge(name, answer))
        sim.requests.judge_turn = lambda *turn: self._said(self.routing.turn(*turn))
        sim.look = self.look
        sim.answered = self.answered

    def look(self, when: str, effect: a.Effect | None) -> None:
        self.steps += 1
        match when:
            case "boot":
                # A remove of a killed operator may take effect later, unseen.
                self.swapping.clear()
                self.doubtful.clear()
                self.lists.clear()
                self.pace.forget()
                self.admissions.booted()
                self.routing.booted()
            case "admit":
                self._said(self.admissions.problems())
                self.pace.admitted(self.sim.reconciler.aims.desired.slots.keys())
            case "begin" if effect is not None:
                self._begun(effect)
            case "apply" if effect is not None:
                self._takes_effect(effect)
            case "applied":
                self._strangers()
            case "end":
                self._states()

    def _said(self, problems: "list[str]") -> None:
        for problem in problems:
            number, _, message = problem.partition(": ")
            self.fail(number, message)

    def fail(self, number: str, message: str) -> None:
        raise Broken(f"{number}: {message}\n" + "\n".join(self.sim.journal[-40:]))

    # ── what a call may be ─────────────────────────────────────────────────────────────────────

    def _begun(self, effect: a.Effect) -> None:
        self._said(self.routing.begun(effect))
        if isinstance(effect, a.List):
            self.lists.append(self.steps)
        if not isinstance(effect, CHANGES):
            return
        self._hands_off(effect)
        if self.doubtful.get(effect.slot, 0) > self.listed:
            self.fail("S17", f"{a.describe(effect)}: no list began since its last call's outcome was unknown")
        if isinstance(effect, a.Create):
            self._create(effect)
        if isinstance(effect, a.Create | a.Start):
            self._resources(effect)
        if isinstance(effect, a.Start):
            # Without pidfds several ends look like one, and are heard of late.
            self._said(self.pace.starts(effect) if self.sim.faults.hints else [])
        if isinstance(effect, a.Remove | a.Stop):
            self._ends(effect)

    def _hands_off(self, effect: "CHANGES") -> None:
        slot, admission = effect.slot, self.sim.admission
        if admission is None:
            self.fail("S11", f"{a.describe(effect)}: the home was not read yet")
        declared: Slot | None = admission.desired.slots.get(slot)
        suspended = slot in self.sim.suspended or (declared is not None and declared.operator.suspend)
        if suspended or slot in admission.desired.frozen:
            self.fail("S11", f"{a.describe(effect)}: the slot is hands off")
        kept = declared is None and slot in self.admissions.held
        if kept and isinstance(effect, a.Remove | a.Stop):
            self.fail("S9", f"{a.describe(effect)}: too many files vanished at once")

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
        same_port = target.inputs is not None and target.inputs.port == effect.spec.host_port
        for name, slot in core.aims.desired.slots.items():
            if (
                wanted.rolled_back
                and not same_port
                and name != effect.slot
                and slot.enabled
                and slot.port == effect.spec.host_port
            ):
                self.fail("S13", f"the rollback of {effect.slot} takes the port of {name}")

    def _resources(self, effect: a.Create | a.Start) -> None:
        """S1, S2 and S3 as the loop sees the world: all that it takes is held by nobody else."""
        core = self.sim.reconciler
        own = effect.id if isinstance(effect, a.Start) else ""
        inputs = core.aims.effective[effect.slot].inputs
        for other in core.world.containers.values():
            if other.id == own:
                continue
            if core.world.owner(other) == effect.slot:
                self.fail("S1", f"{a.describe(effect)}: {other.name} ({other.id[-4:]}) is there already")
            if inputs.port in other.ports:
                self.fail("S3", f"{a.describe(effect)}: {other.name} has port {inputs.port}")
            if inputs.family == "flm" and other.takes_npu:
                self.fail("S2", f"{a.describe(effect)}: {other.name} has the NPU")

    def _ends(self, effect: a.Remove | a.Stop) -> None:
        """S4, S5 and S14: whose container it is, whether it is healthy, and whose turn it is."""
        box = self.sim.podman.boxes.get(effect.id)
        if box is None:
            return
        core = self.sim.reconciler
        ours = box.home == self.sim.id and box.spec.name == container_name(effect.slot)
        if not ours and core.world.recorded.get(box.id) != effect.slot:
            self.fail("S4", f"{a.describe(effect)}: {box.spec.name} is not ours")
        target, wanted = core.aims.targets.get(effect.slot), core.aims.effective.get(effect.slot)
        if target is None or wanted is None or not self._healthy(box):
            return
        state = core.state(effect.slot)
        unasked = state.restart_id != box.id and state.doomed != box.id and ours
        if box.spec.labels[LABEL_SPEC] == wanted.digest and unasked:
            self.fail("S5", f"{a.describe(effect)}: it is healthy and wanted")
        if not wanted.rolled_back and state.restart_id != box.id:
            self._one_swap(effect.slot, target.profile_digest)

    def _one_swap(self, slot: str, profile: str) -> None:
        core = self.sim.reconciler
        self._swapped()
        others = self.swapping[profile]
        others.discard(slot)
        if others and core.notes.of(slot).last_good is not None and self._from_profile(slot):
            self.fail("S14", f"{slot} swaps while {sorted(others)} of the same profile are not Ready")
        others.add(slot)

    def _swapped(self) -> None:
        """Whose swap is over: Ready, rolled back, no longer asked for, or waiting for a port or the NPU."""
        core = self.sim.reconciler
        for profile, others in self.swapping.items():
            for other in set(others):
                target = core.aims.targets.get(other)
                done = target is None or not target.wanted or core.is_ready(other) or target.profile_digest != profile
                waits = other in core.aims.effective and blocked_create(core.aims.effective[other].inputs, core.world)
                if done or waits or core.rolled_back(other) or core.aims.held(other) is not None:
                    others.discard(other)

    def _from_profile(self, slot: str) -> bool:
        core = self.sim.reconciler
        good, target = core.notes.of(slot).last_good, core.aims.targets[slot]
        return good is not None and target.inputs is not None and good.inputs.flags != target.inputs.flags

    def _healthy(self, box: Box) -> bool:
        machine = self.sim.machine
        return box.running and box.state == "running" and machine.start_of(box) in machine.passed

    # ── what came of it ────────────────────────────────────────────────────────────────────────

    def answered(self, key: a.Key, effect: a.Effect, outcome: a.Outcome) -> None:
        self.routing.answered(effect, outcome)
        if isinstance(effect, a.List):
            begun = self.lists.pop(0) if self.lists else 0
            if isinstance(outcome, a.Listed):
                self.listed = begun
        if isinstance(effect, CHANGES) and isinstance(outcome, a.Fault) and outcome.kind == "unknown_outcome":
            self.doubtful[effect.slot] = self.steps
        if isinstance(effect, a.Start) and isinstance(outcome, a.Done):
            self.pace.started(effect.id)
        if isinstance(effect, a.Remove) and effect.reason.startswith("idle"):
            self.pace.forget(effect.slot)  # whoever asks next begins anew
        if isinstance(outcome, a.Fault):
            self.pace.forget(key.name)

    # ── what the machine may be ────────────────────────────────────────────────────────────────

    def _takes_effect(self, effect: a.Effect) -> None:
        """S2 at the instant that matters: nothing else of ours has the NPU when a container takes it."""
        machine = self.sim.machine
        self.untouched = {id: (b.state, b.running) for id in machine.strangers if (b := machine.podman.boxes.get(id))}
        if not isinstance(effect, a.Start):
            return
        box = machine.podman.boxes.get(effect.id)
        if box is not None and box.takes_npu:
            others = [p for p in machine.podman.processes if p.alive and p.npu and p.box != box.id]
            if others and not any(p.box in machine.strangers for p in others):
                self.fail("S2", f"{box.spec.name} starts on the NPU beside {others[0].name}")

    def _strangers(self) -> None:
        boxes = self.sim.podman.boxes
        for id, before in self.untouched.items():
            box = boxes.get(id)
            if box is None or (box.state, box.running) != before:
                self.fail("S4", f"container {id[-4:]} of somebody else was touched")

    def _states(self) -> None:
        machine = self.sim.machine
        self._swapped()
        slots: dict[str, str] = {}
        for box in machine.podman.boxes.values():
            if box.home != self.sim.id or box.spec.name != container_name(box.slot):
                continue
            if box.slot in slots:
                self.fail("S1", f"two containers of {box.slot}")
            slots[box.slot] = box.id
        npus = [b.spec.name for b in machine.podman.boxes.values() if b.running and b.takes_npu]
        if len(npus) > 1 and not machine.strangers:
            self.fail("S2", f"{' and '.join(npus)} run")
        self._ready_is_proven()

    def _ready_is_proven(self) -> None:
        core, machine = self.sim.reconciler, self.sim.machine
        for slot in filter(core.is_ready, core.all_slots()):
            own = core.world.own(slot)
            box = machine.podman.boxes.get(own[0].id) if own else None
            if box is None or not box.running:
                continue
            # Without pidfds a death and a late start in between are seen by the next list only.
            hints = self.sim.faults.hints
            proven = machine.passed if hints else {start.split("/")[0] for start in machine.passed}
            if (machine.start_of(box) if hints else box.id) not in proven:
                self.fail("S16", f"{slot} counts as Ready and no probe passed on this start")


def converged(sim: Simulator) -> list[str]:
    """What is not yet as the home says; empty when all is."""
    core = sim.reconciler
    wrong = []
    for slot in sorted(core.all_slots()):
        own, wanted = core.world.own(slot), core.aims.effective.get(slot)
        if core.aims.held(slot) is not None:
            continue
        if wanted is None and own:
            wrong.append(f"{slot} should be gone")
        elif wanted is not None and not core.is_ready(slot):
            wrong.append(f"{slot} is not Ready: {core.state(slot).waiting}")
    for slot, target in core.aims.targets.items():
        found = [b for b in sim.podman.boxes.values() if b.spec.name == container_name(slot)]
        if target.wanted and core.aims.held(slot) is None and not (found and found[0].running):
            wrong.append(f"{slot} does not run")
    return wrong
