"""G1, G2, G3 and S15: what a request may meet, judged from the machine and the calls where these can know."""

from typing import TYPE_CHECKING

from hal0_operator.model import action as a
from hal0_operator.model.container import LABEL_SPEC, container_name
from hal0_operator.routing.failure import Failure
from hal0_operator.routing.route import LOAD_FIRST, Route
from tests.sim.podman import Box

if TYPE_CHECKING:
    from tests.sim.simulator import Simulator

FLAGS = {"transcription": "--asr", "embedding": "--embed"}
FIELDS = {"transcription": "asr", "embedding": "embed"}
SLACK_S = 1e-6


class Routing:
    """``ended`` maps containers that a call of this life was to end to the step of its answer, ``None`` before.

    They are forgotten with a list that began later: what it still shows has survived the call.
    """

    def __init__(self, sim: "Simulator") -> None:
        self.sim = sim
        self.ended: dict[str, int | None] = {}
        self.step = 0
        self.lists: list[int] = []

    def booted(self) -> None:
        self.ended.clear()
        self.lists.clear()

    def begun(self, effect: a.Effect) -> list[str]:
        self.step += 1
        if isinstance(effect, a.List):
            self.lists.append(self.step)
        return self._ends(effect) if isinstance(effect, a.Remove | a.Stop) else []

    def answered(self, effect: a.Effect, outcome: a.Outcome) -> None:
        self.step += 1
        if isinstance(effect, a.Remove | a.Stop):
            self.ended[effect.id] = self.step
        if isinstance(effect, a.List):
            begun = self.lists.pop(0) if self.lists else 0
            if isinstance(outcome, a.Listed):
                self.ended = {id: at for id, at in self.ended.items() if at is None or at >= begun}

    # ── G1, G2: what a request is answered ─────────────────────────────────────────────────────

    def judge(self, name: str, answer: "Route | Failure") -> list[str]:
        """A record that was never admitted is denied whatever the NPU does."""
        wrong = self._begins(answer) if isinstance(answer, Route) and not answer.wake else []
        listing = self.sim.requests.traffic.directory().slots.get(name)
        if listing is not None and listing.denied and isinstance(answer, Failure) and answer.code == "slot.unknown":
            wrong.append(f"{name} is denied and answered {answer}")
        if listing is not None and listing.is_record and listing.enabled and not listing.denied:
            wrong += self._of_record(name, listing.anchor, answer)
        return wrong

    def _begins(self, found: Route) -> list[str]:
        """G1: a probe passed on the container, and nothing was sent that ends it."""
        machine, server, id = self.sim.machine, found.server.slot, found.standing.container
        box = machine.podman.boxes.get(id)
        wrong = []
        if box is not None and box.spec.host_port != found.standing.port:
            wrong.append(f"G1: {found.slot} is sent to port {found.standing.port}, and its container has another")
        # A death, and without pidfds a late start too, is seen a moment after it happened.
        hints = self.sim.faults.hints
        proven = machine.passed if hints else {start.split("/")[0] for start in machine.passed}
        if box is not None and box.running and (machine.start_of(box) if hints else box.id) not in proven:
            wrong.append(f"G1: {found.slot} is sent to a start of {id[-4:]} that no probe passed on")
        if id in self.ended:
            wrong.append(f"G1: {found.slot} is sent to {id[-4:]}, whose removal has begun")
        if self.sim.reconciler.draining(server):
            wrong.append(f"G1: {found.slot} is sent to {id[-4:]}, which drains")
        return wrong

    def _of_record(self, name: str, anchor: str, answer: "Route | Failure") -> list[str]:
        """G2: the NPU is to be loaded first exactly when its slot has no container that serves, or one without the
        record's flag, because it did not start with that.
        """
        core = self.sim.reconciler
        own = core.serving(anchor) if anchor else None
        serves = own is not None and own.state == "running" and own.id not in core.aims.ending
        serves = serves and not core.draining(anchor)
        if own is not None and serves and core.rolled_back(anchor) and not self._flag_there(name, own.id):
            serves = not self._was_tried(name, anchor)
        refused = isinstance(answer, Failure) and answer.code == "npu.trio_unavailable"
        wrong = []
        if refused == serves:
            wrong.append(f"G2: {name} is answered {answer}, and its NPU slot {'serves' if serves else 'does not'}")
        if refused and LOAD_FIRST not in answer.message:
            wrong.append(f"G2: what clients look for is not in {answer.message!r}")
        if isinstance(answer, Route) and not self._flag_there(name, answer.standing.container):
            wrong.append(f"S15: {name} is sent to a process that was started without its flag")
        return wrong

    def _was_tried(self, name: str, anchor: str) -> bool:
        """The inputs that failed had the record's flag, and those that are in effect lack it."""
        aims, field = self.sim.reconciler.aims, FIELDS[self.sim.reconciler.aims.desired.slots[name].type]
        tried = aims.targets[anchor].inputs
        return tried is not None and getattr(tried, field) and not getattr(aims.effective[anchor].inputs, field)

    def _flag_there(self, name: str, id: str) -> bool:
        box = self.sim.podman.boxes.get(id)
        slot = self.sim.reconciler.aims.desired.slots[name]
        return box is None or FLAGS[slot.type] in box.spec.command

    # ── G3: who is removed while it answers ────────────────────────────────────────────────────

    def turn(self, server: str, id: str, kept: bool) -> list[str]:
        """Whoever waited for its turn on a healthy container is answered there until a call that ends it was made."""
        box, drain = self.sim.podman.boxes.get(id), self.sim.reconciler.aims.drains.get(server)
        if kept and id in self.ended:
            return [f"G1: one that waited is sent to {id[-4:]}, whose removal has begun"]
        if kept or id in self.ended or (drain is not None and drain.sent):
            return []
        if box is None or not self._by_choice(server, box):
            return []
        return [f"G3: one that waited for its turn on {id[-4:]} of {server} is sent away, and it is not being removed"]

    def _ends(self, effect: a.Remove | a.Stop) -> list[str]:
        """Every request in flight on a healthy container began before a whole drain."""
        sim = self.sim
        self.ended[effect.id] = None
        box = sim.podman.boxes.get(effect.id)
        if box is None or not self._by_choice(effect.slot, box):
            return []
        drain_s = sim.settings.loop.drain_s
        young = [r for r in sim.requests.active if r.container == box.id and sim.time < r.begun + drain_s - SLACK_S]
        if not young:
            return []
        ages = ", ".join(f"{sim.time - request.begun:.2f}" for request in young)
        return [f"G3: {a.describe(effect)}: requests of the last {ages} s are in flight there"]

    def _by_choice(self, slot: str, box: Box) -> bool:
        """It is healthy as far as the loop can know, and goes for what the home or a person asks for."""
        core, machine = self.sim.reconciler, self.sim.machine
        own = core.world.own(slot)
        if len(own) != 1 or own[0].id != box.id or own[0].state != "running" or not own[0].named_for_slot:
            return False
        healthy = box.running and box.state == "running" and machine.start_of(box) in machine.passed
        return healthy and core.serving(slot) is not None and core.state(slot).doomed != box.id

    # ── S15 at rest ────────────────────────────────────────────────────────────────────────────

    def at_rest(self) -> list[str]:
        """S15: flag in argv, record enabled and route open are one, when nothing is under way.

        Where the flags of the NPU slot were rejected, a record without its flag has no route.
        """
        core, wrong, lacking = self.sim.reconciler, [], set()
        records = {name: slot for name, slot in core.aims.desired.slots.items() if slot.is_shadow}
        boxes = [b for b in self.sim.podman.boxes.values() if b.running and b.takes_npu and b.home == self.sim.id]
        ours = [b for b in boxes if b.spec.name == container_name(b.slot) and core.is_ready(b.slot)]
        for box in ours:
            assert core.aims.effective[box.slot].digest == box.spec.labels[LABEL_SPEC]
            if core.rolled_back(box.slot):
                lacking |= {type for type, flag in FLAGS.items() if flag not in box.spec.command}
                continue
            for type, flag in FLAGS.items():
                on = any(slot.enabled for slot in records.values() if slot.type == type)
                if (flag in box.spec.command) != on:
                    wrong.append(f"S15: {flag} is {'not ' if on else ''}in {box.spec.command}")
        chats = [name for name, slot in core.aims.desired.slots.items() if slot.is_npu_chat and slot.enabled]
        loaded = any(core.aims.held(name) is None for name in chats)
        for name, slot in records.items():
            answer = self.sim.requests.ask(name)
            opened = isinstance(answer, Route)
            if opened != (slot.enabled and loaded and slot.type not in lacking):
                wrong.append(f"S15: {name} is {'on' if slot.enabled else 'off'}, and answered {answer}")
        self.sim.requests.finish_all()
        return wrong
