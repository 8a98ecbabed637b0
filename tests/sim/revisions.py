"""R1, R2 and R3: what a repository may bring into force, and what is said of it, judged from its commits."""

import msgspec

from hal0_operator.desired.source import HomeFiles
from hal0_operator.loop.intake import Admission, Intake
from hal0_operator.loop.sync_state import CONDITIONS
from hal0_operator.model.snapshot import Admitted
from hal0_operator.model.status import SourceStatus
from tests.sim.admission import Admissions
from tests.sim.follower import Follower
from tests.sim.simulator import SEEDS


class Revisions(Admissions):
    """``commit`` is the one in force, ``""`` before the first; ``brought`` are all that ever were.

    ``frozen`` are those that may come into force while a person holds or suspends the source.
    """

    sim: Follower

    def __init__(self, sim: Follower) -> None:
        super().__init__(sim)
        self.commit = ""
        self.brought: set[str] = set()
        self.frozen: set[str] = set()
        self.applied = ""
        self.asked = -1
        self.checked: tuple[object, ...] = ()
        self._alone: dict[str, Admission] = {}
        sim.steered = self.steered
        sim.rested, sim.said = self.rested, self.said
        self.booted()

    def in_force(self) -> Admitted | None:
        return self.sim.intake.last

    def booted(self) -> None:
        super().booted()
        sim, stored = self.sim, self.in_force()
        self.applied, self.asked = "", -1
        self.told = len(sim.git.told)
        self.doubtful = sim.lost
        if sim.lost:
            self.frozen |= set(sim.git.here)
            self.commit = stored.revision if stored is not None else ""
        assert stored is None or _same(stored, self.alone(stored.revision).verdict.admitted), (
            "R1: what is stored is no commit"
        )

    def alone(self, commit: str) -> Admission:
        """What a commit is when nothing was before it."""
        if commit not in self._alone:
            files = self.sim.repository.commits[commit]
            settings = msgspec.structs.replace(self.sim.settings, families={})
            self._alone[commit] = Intake(SEEDS, settings, None, whole=True).decide(files, frozenset(), "")
        return self._alone[commit]

    # ── what comes into force ──────────────────────────────────────────────────────────────────

    def problems(self) -> list[str]:
        sim, found, before = self.sim, self.sim.admission, self.before
        assert found is not None
        self.let_go, self.released = self.released, sim.intake.released
        self.before = found.verdict.admitted
        if not found.revision:  # none of the commits that may be in force lies here
            return self._refused(found, before) if found.refused else ["R1: what is no commit comes into force"]
        held = self._unasked(sim.repository.commits[found.revision], found.revision, before)
        alone = self.alone(found.revision)
        wrong = []
        if found.snapshot.digest != alone.snapshot.digest:
            wrong.append(f"R1: what was read of {found.revision[:4]} is not what was committed")
        if found.refused:
            return [*wrong, *self._refused(found, before)]
        if held:
            wrong.append(f"S9: {found.revision[:4]} removes {sorted(held)} unasked")
        if not _same(found.verdict.admitted, alone.verdict.admitted) or alone.refused:
            wrong.append(f"R1: what {found.revision[:4]} brought into force is not that commit, whole")
        if found.desired.slots != alone.desired.slots or found.desired.frozen:
            wrong.append(f"R1: what follows from {found.revision[:4]} depends on what was before it")
        wrong += self._may_come(found.revision)
        self.commit = found.revision
        self.brought.add(found.revision)
        return wrong

    def _unasked(self, files: HomeFiles, commit: str, before: Admitted | None) -> set[str]:
        """What goes against the prune guard; a person who goes back to a commit means all of it."""
        held, self.held = self._held(files, before), set()
        hold = self.sim.operator.overrides.hold
        return held if hold is None or hold.commit != commit else set()

    def _refused(self, found: Admission, before: Admitted | None) -> list[str]:
        """S6: a refused revision changes nothing that a call depends on."""
        wrong, desired = [], found.desired
        kept = self.alone(self.commit).desired.slots if self.commit else {}
        if not _same(found.verdict.admitted, before or Admitted()):
            wrong.append(f"R1: {found.revision[:4]} is refused and changes what is in force")
        if desired.slots != kept:
            wrong.append(f"S6: {found.revision[:4]} is refused and changes what is wanted")
        if found.lost and (found.pruning.slots or found.denied or found.problems):
            wrong.append("S9: what could not be read counts as gone or as bad")
        if desired.frozen.keys() & desired.slots.keys():
            wrong.append("S6: what is in force is left alone for a refused revision")
        loose = self.sim.reconciler.world.owners() - desired.slots.keys() - desired.frozen.keys()
        if loose - self.sim.intake.released:
            wrong.append(f"S6: containers of {sorted(loose)} would go for a refused revision")
        return wrong

    def _may_come(self, commit: str) -> list[str]:
        sim, wrong = self.sim, []
        overrides = sim.operator.overrides
        hold = overrides.hold.commit if overrides.hold else ""
        looked = len(sim.git.told) > self.told
        if (hold or overrides.source_suspended) and (self.commit or looked) and commit not in self.frozen | {hold}:
            wrong.append(f"R2: {commit[:4]} comes into force and the source is held or suspended")
        self.frozen = {hold} if commit == hold else self.frozen | {commit}
        told = {*sim.git.told[self.told :], *sim.git.told[self.told - 1 : self.told]}
        if not self.doubtful and self.commit and commit not in told | {self.commit, hold}:
            wrong.append(f"R3: it goes from {self.commit[:4]} to {commit[:4]}, which nobody asked for")
        return wrong

    def steered(self, verb: str) -> None:
        self.asked = -1
        if verb in ("suspend", "rollback"):
            self.frozen = {self.commit, self.sim.reader.commit, *self.sim.sync._undecided}

    # ── what is said ───────────────────────────────────────────────────────────────────────────

    def said(self, status: SourceStatus) -> None:
        """Of every status: what is newly called applied is in force, and nothing is left to do for it."""
        applied, self.applied = self.applied, status.applied
        if status.applied not in ("", applied):
            assert status.applied == self.commit, f"applied is {status.applied[:4]}, and {self.commit[:4]} is in force"
            assert self.sim.reconciler.quiet(), f"applied is {status.applied[:4]}, and work is left"

    def rested(self) -> None:
        """Nothing is under way between the operator and its disk, its git or the home."""
        sim = self.sim
        now = (sim.epoch, sim.away.calls, sim.operator.overrides, sim.reconciler.quiet())
        if now == self.checked:
            return
        self.checked = now
        wrong = self._untrue(self.sim.operator.source())
        assert not wrong, f"{wrong}\n{self.sim.operator.source()}\n" + "\n".join(self.sim.journal[-40:])

    def _untrue(self, status: SourceStatus) -> list[str]:
        sim, wrong = self.sim, []
        overrides, found = sim.operator.overrides, sim.admission
        by_type = {c.type: c for c in status.conditions}
        true = {type for type, condition in by_type.items() if condition.status == "True"}
        if overrides.source_suspended is not None:
            if self.asked not in (-1, sim.git.asked):
                wrong.append("R2: a suspended source is looked at")
            self.asked = sim.git.asked
        if found is not None and status.admitted != self.commit:
            wrong.append(f"admitted is {status.admitted[:4]}, and {self.commit[:4]} is in force")
        wanted = overrides.hold.commit if overrides.hold else sim.git.told[-1] if len(sim.git.told) > self.told else ""
        untaken = wanted != "" and wanted == sim.away.refused
        refused = found is not None and (found.refused or untaken)
        if found is not None and found.lost:
            if "Admitted" in true or sim.sync.figures().refused != untaken or found.pruning.slots:
                wrong.append("what could not be read counts as read, or as refused")
        elif found is not None and (("Admitted" in true) == refused or sim.sync.figures().refused != refused):
            wrong.append("Admitted or its figure does not say whether the revision was refused")
        if "Ready" in true and wanted and self.commit != wanted and overrides.source_suspended is None:
            wrong.append(f"Ready is True, and {wanted[:4]} is not in force")
        if "Ready" in true and (found is None or not self.commit or by_type["Admitted"].status != "True"):
            wrong.append("Ready is True, and it is not")
        if {"Stalled", "Reconciling"} <= true or ("Ready" in true and "Stalled" in true):
            wrong.append(f"{sorted(true)} exclude each other")
        if sim.away.fault and ("Ready" in true or CONDITIONS[sim.away.fault][0] not in true):
            wrong.append(f"the last call of git ended with {sim.away.fault}, and nothing says so")
        if (overrides.hold is not None) != ("SourceHeld" in true):
            wrong.append("SourceHeld does not say whether it is")
        if (overrides.source_suspended is not None) != ("SourceSuspended" in true):
            wrong.append("SourceSuspended does not say whether it is")
        return wrong


def _same(one: Admitted, other: Admitted) -> bool:
    """The same objects are in force."""
    return (one.slots, one.profiles, one.selections) == (other.slots, other.profiles, other.selections)
