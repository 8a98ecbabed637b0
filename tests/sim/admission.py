"""S7, S8 and S9: what a reading of the home may change, judged from the files and what was in force."""

from hal0_operator.desired.source import HomeFiles
from hal0_operator.loop.intake import Intake
from hal0_operator.model.container import container_name
from hal0_operator.model.snapshot import Admitted
from tests.sim.simulator import SEEDS, Simulator


class Admissions:
    """``held`` are slots whose files vanished and whose containers must stay; ``judged`` those that count.

    ``let_go`` are those whose files had gone before, with leave: what is left of them counts for nothing."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self.before: Admitted | None = None
        self.held: set[str] = set()
        self.judged: set[str] = set()
        self.let_go: frozenset[str] = frozenset()
        self.released: frozenset[str] = frozenset()
        self._checked: tuple[object, ...] = ()

    def booted(self) -> None:
        self.released = frozenset()
        self.before = self.in_force()
        self.judged = set(self.before.guarded) if self.before is not None else set()

    def in_force(self) -> Admitted | None:
        """As it was stored."""
        return self.sim.admitted

    def problems(self) -> list[str]:
        sim, found = self.sim, self.sim.admission
        assert found is not None
        files, before = sim.home.files(), self.before
        self.let_go, self.released = self.released, sim.intake.released
        self.held = self._held(files, before)
        self.before = found.verdict.admitted
        deciding = (found.snapshot.digest, before, found.pruning, sim.settings)
        if deciding == self._checked:
            return []
        self._checked = deciding
        return [*self._again(files, before), *self._unreadable(files, before)]

    def _again(self, files: HomeFiles, before: Admitted | None) -> list[str]:
        """S7: deciding the same again, or with the files in another order, decides the same."""
        sim = self.sim
        found, owners = sim.admission, sim.reconciler.world.owners()
        assert found is not None
        turned = HomeFiles(dict(reversed(files.files.items())), slots_folder=files.slots_folder)
        other = Intake(SEEDS, sim.settings, before).decide(turned, owners - self.let_go, sim.approved)
        wrong = []
        if other.verdict.admitted != found.verdict.admitted or other.desired != found.desired:
            wrong.append("S7: another order of the files, or a fresh start, decides otherwise")
        again = Intake(SEEDS, sim.settings, found.verdict.admitted).decide(
            files, owners - sim.intake.released, sim.approved
        )
        if again.verdict.admitted.slots != found.verdict.admitted.slots or again.desired.slots != found.desired.slots:
            wrong.append("S7: deciding once more changes what is in force")
        return wrong

    def _unreadable(self, files: HomeFiles, before: Admitted | None) -> list[str]:
        """S8: what cannot be decoded removes nothing from what is in force."""
        found = self.sim.admission
        assert found is not None
        broken = {key.removeprefix("slot/") for key in found.snapshot.broken if key.startswith("slot/")}
        kept = found.verdict.admitted
        wrong = []
        for name in broken & (before.slots.keys() if before is not None else set()):
            if kept.slots.get(name) != before.slots[name]:
                wrong.append(f"S8: slot {name} cannot be decoded and is no longer what it was")
        if "profiles.toml" in found.snapshot.broken_files and before is not None:
            if not before.profiles.items() <= kept.profiles.items():
                wrong.append("S8: profiles.toml cannot be decoded and profiles went")
        return wrong

    def _held(self, files: HomeFiles, before: Admitted | None) -> set[str]:
        sim = self.sim
        owners = {
            box.slot
            for box in sim.podman.boxes.values()
            if box.home == sim.id and box.spec.name == container_name(box.slot)
        }
        # The loop knows containers by its last list: what came or went since may count or not.
        if owners != set(sim.reconciler.world.owners()):
            stored = self.in_force()
            self.judged = set(stored.guarded) if stored is not None else set()
            return set()
        in_force = before.slots if before is not None else {}
        counted = owners - self.let_go | {name for name, slot in in_force.items() if slot.enabled is not False}
        gone = counted - {file[6:-5] for file in files.files if file.startswith("slots/")}
        approved = sim.admission is not None and sim.approved == sim.admission.snapshot.digest
        known = self.judged | gone if self.judged else counted
        many = gone == known or (len(gone) >= 3 and 2 * len(gone) > len(known)) or not files.slots_folder
        held = bool(gone) and many and not approved
        self.judged = known if held else set()
        return gone if held else set()
