"""S10: restarts of a program that ends by itself keep the pace, counted from the machine's side."""

from collections.abc import Iterable

from hal0_operator.model import action as a
from hal0_operator.model.container import LABEL_SPEC
from tests.sim.podman import Box
from tests.sim.simulator import Simulator

FIRST_S, LONGEST_S, JITTER = 0.5, 300.0, 0.2
FORGIVEN_S = 600.0


class Pace:
    """Ends in a row per slot; anything that may have broken the row makes it begin anew."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self.rows: dict[str, tuple[str, int, float]] = {}
        self.seen: set[str] = set()
        self.slots: set[str] = set()
        sim.machine.on_exit.append(self._ended)
        sim.asked = self.forget  # a restart that a person asks for is a first one

    def forget(self, slot: str = "") -> None:
        if slot:
            self.rows.pop(slot, None)
        else:
            self.rows.clear()
            self.seen.clear()

    def admitted(self, slots: Iterable[str]) -> None:
        """A slot whose file went and comes back is a new one, and so are other inputs, also when the old ones follow."""
        before, self.slots = self.slots, set(slots)
        for slot in self.slots - before:
            self.forget(slot)
        wanted = self.sim.reconciler.aims.effective
        for slot, (digest, _, _) in list(self.rows.items()):
            if slot not in wanted or wanted[slot].digest != digest:
                self.forget(slot)

    def started(self, id: str) -> None:
        """A start of this life of the operator: its end will be counted."""
        self.seen.add(id)

    def _ended(self, box: Box) -> None:
        slot, digest = box.slot, box.spec.labels.get(LABEL_SPEC, "")
        if box.id not in self.seen or box.id not in self.sim.podman.boxes:
            return  # of one that was removed by hand nobody can know that it ended
        core = self.sim.reconciler
        if box.id in core.aims.ending or box.id == core.state(slot).restart_id:
            return  # nor is it a crash when the operator ends it just then, or is about to because a person asks
        before, count, _ = self.rows.get(slot, ("", 0, 0.0))
        lived = self.sim.time - (box.started_at - 1)
        count = 0 if before != digest or lived >= FORGIVEN_S else count
        self.rows[slot] = (digest, count + 1, self.sim.time)

    def starts(self, effect: a.Start) -> list[str]:
        box = self.sim.podman.boxes.get(effect.id)
        digest, count, ended = self.rows.get(effect.slot, ("", 0, 0.0))
        if box is not None and digest not in ("", box.spec.labels.get(LABEL_SPEC)):
            self.forget(effect.slot)  # other inputs are in between, such as those that it is rolled back to
            return []
        if box is None or count < 2:
            return []
        least = min(FIRST_S * 2.0 ** (count - 2), LONGEST_S) * (1 - JITTER)
        waited = self.sim.time - ended
        if waited >= least - 1e-6:
            return []
        return [f"S10: {effect.slot} ended {count} times in a row and is started {waited:.2f} s later, not {least:.2f}"]
