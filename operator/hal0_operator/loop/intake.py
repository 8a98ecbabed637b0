"""From a settled reading of the home to what the loop acts on."""

from collections.abc import Mapping

import msgspec

from hal0_operator.admission.fixpoint import Memo as AdmissionMemo
from hal0_operator.admission.fixpoint import admit
from hal0_operator.admission.verdict import Context, Verdict
from hal0_operator.changes.judged import Judged
from hal0_operator.desired.assemble import Memo as AssembleMemo
from hal0_operator.desired.assemble import assemble
from hal0_operator.desired.positions import locate
from hal0_operator.desired.source import HomeFiles
from hal0_operator.model.problem import ObjectKey, Problem, errors, slot_key
from hal0_operator.model.profile import Profile
from hal0_operator.model.settings import Settings
from hal0_operator.model.snapshot import Admitted, Snapshot
from hal0_operator.reconcile.desired import Desired
from hal0_operator.reconcile.prune import Vanished, guard


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """One reading, decided: problems are located, ``desired`` is for the loop."""

    snapshot: Snapshot
    verdict: Verdict
    desired: Desired
    problems: tuple[Problem, ...]
    denied: dict[ObjectKey, tuple[Problem, ...]]
    violations: dict[ObjectKey, tuple[Problem, ...]]
    pruning: Vanished = Vanished()
    revision: str = ""
    """The commit of which these are the files; empty for a folder."""
    lost: str = ""
    """Why there was nothing to read, so that nothing of it came into force and nothing is amiss with it."""

    @property
    def refused(self) -> bool:
        """Nothing of it came into force, as it comes as a whole only."""
        return self.verdict.refused


class Intake:
    """Pure but for what it remembers to save time; ``last`` is the state in force.

    ``owners`` are slots with a container, ``approved`` the snapshot whose pruning was approved.  ``released``
    are slots whose files went and that were let go: their containers may take a while to follow, and count for
    no later accident.  ``let_go`` are slots that a person deletes by name, which is no accident, nor is what the
    revision ``back_at`` lacks, to which a person went back.

    ``whole``: readings are revisions, each of which comes into force as a whole or not at all, and of which
    nothing is merged.
    """

    def __init__(
        self, seeds: Mapping[str, Profile], settings: Settings, last: Admitted | None, *, whole: bool = False
    ) -> None:
        self._seeds = dict(seeds)
        self._settings = settings
        self._assembled: AssembleMemo | None = None
        self._memo = AdmissionMemo()
        self.whole = whole
        self.last = last
        self.owners: frozenset[str] = frozenset()
        self.approved = ""
        self.released: frozenset[str] = frozenset()
        self.let_go: frozenset[str] = frozenset()
        self.back_at = ""

    def decide(self, files: HomeFiles, owners: frozenset[str], approved: str) -> Admission:
        """Bring files into force."""
        self.owners, self.approved = owners, approved
        return self.accept(self.present(files))

    def present(self, files: HomeFiles) -> Judged:
        """Judge files after the state in force, which stays as it is."""
        return self.judge(files, self.last or Admitted())

    def judge(self, files: HomeFiles, last: Admitted) -> Judged:
        """``changes.judged.Judge``: it is a cold start as long as nothing is in force."""
        if files.lost:
            return self._stand(files, last)
        snapshot, self._assembled = assemble(files, self._seeds, self._assembled)
        pruning, _ = self._guard(snapshot, files)
        cold = self.last is None
        context = Context(
            seeds=self._seeds,
            settings=self._settings,
            cold=cold,
            strict_overlay=self.whole,
            held=pruning.slots,
            whole=self.whole,
        )
        return Judged(files, snapshot, admit(snapshot, last, context, self._memo), last, context)

    def _stand(self, files: HomeFiles, last: Admitted) -> Judged:
        """What is in force, as if it had been read: all of it stays, and nothing is said of files that nobody saw."""
        read = Snapshot(
            slots=last.slots,
            profiles=last.profiles,
            selections=last.selections,
            profiles_file=bool(last.profiles),
            overlay_file=last.overlay,
            digest=last.digest,
        )
        context = Context(seeds=self._seeds, settings=self._settings, strict_overlay=self.whole)
        verdict = admit(read, last, context, self._memo)
        return Judged(files, read, msgspec.structs.replace(verdict, admitted=last, refused=True), last, context)

    def accept(self, judged: Judged) -> Admission:
        """Bring into force what was judged."""
        pruning, released = self._guard(judged.snapshot, judged.files)
        verdict = _guarded(judged.verdict, pruning)
        if not verdict.refused:
            verdict = _of_revision(verdict, judged.files.revision)
            self.released = released
        if not verdict.refused or self.last is not None:
            self.last = verdict.admitted
        return self._untouched(admission(judged, verdict, pruning))

    def tried(self, judged: Judged) -> Admission:
        """What accepting would come to; nothing comes into force."""
        return self._untouched(admission(judged, judged.verdict, self._guard(judged.snapshot, judged.files)[0]))

    def _untouched(self, found: Admission) -> Admission:
        """A refused revision removes nothing either: containers of slots that nothing in force names are left alone."""
        if not found.refused:
            return found
        desired = found.desired
        first = next(iter(errors(found.problems)), None)
        why = found.lost or (_told(first) if first is not None else found.pruning.why)
        strange = dict.fromkeys(self.owners - desired.slots.keys() - self.released, why)
        return msgspec.structs.replace(found, desired=msgspec.structs.replace(desired, frozen=strange | desired.frozen))

    def _guard(self, snapshot: Snapshot, files: HomeFiles) -> tuple[Vanished, frozenset[str]]:
        """What is held, and what was let go."""
        before = self.last.slots if self.last is not None else {}
        enabled = {name for name, slot in before.items() if slot.enabled is not False}
        broken = {key.removeprefix("slot/") for key in snapshot.broken if key.startswith("slot/")}
        present = snapshot.slots.keys() | broken
        held = frozenset(self.last.guarded) if self.last is not None else frozenset[str]()
        pruning = Vanished()
        is_meant = self.approved == snapshot.digest or (bool(files.revision) and files.revision == self.back_at)
        if not (is_meant or files.lost):
            counted = (enabled | self.owners - self.released) - self.let_go
            pruning = guard(counted, present, slots_folder=snapshot.slots_folder, held=held)
        return pruning, frozenset((enabled | self.owners) - present - pruning.slots)


def admission(judged: Judged, verdict: Verdict, pruning: Vanished) -> Admission:
    """A judgement with its problems located, and what the loop acts on."""
    located = _Located(verdict, judged.files)
    return Admission(
        snapshot=judged.snapshot,
        verdict=verdict,
        desired=_desired(judged.snapshot, verdict, located, pruning),
        problems=located.problems,
        denied=located.denied,
        violations=located.violations,
        pruning=pruning,
        revision=judged.files.revision,
        lost=judged.files.lost,
    )


class _Located:
    """The verdict's problems with their places."""

    def __init__(self, verdict: Verdict, files: HomeFiles) -> None:
        self.problems = locate(verdict.problems, files.files)
        self.denied = {key: locate(found, files.files) for key, found in verdict.denied.items()}
        self.violations = {key: locate(found, files.files) for key, found in verdict.violations.items()}


def _guarded(verdict: Verdict, pruning: Vanished) -> Verdict:
    """What a hold was judged by survives the operator with what is in force."""
    if not pruning.counted:
        return verdict
    admitted = msgspec.structs.replace(verdict.admitted, guarded=tuple(sorted(pruning.counted)))
    return msgspec.structs.replace(verdict, admitted=admitted)


def _of_revision(verdict: Verdict, revision: str) -> Verdict:
    """One write says what is in force and of which commit it is: no kill can come in between."""
    if verdict.admitted.revision == revision:
        return verdict
    return msgspec.structs.replace(verdict, admitted=msgspec.structs.replace(verdict.admitted, revision=revision))


def _desired(snapshot: Snapshot, verdict: Verdict, located: _Located, pruning: Vanished) -> Desired:
    frozen = {name: verdict.kept.get(name) or _why(located.denied.get(slot_key(name), ())) for name in verdict.frozen}
    frozen |= {name: pruning.why for name in pruning.slots if name not in verdict.slots}
    return Desired(
        slots=verdict.slots,
        catalogue=verdict.catalogue,
        generations=verdict.observed,
        frozen=frozen,
        digest=snapshot.digest,
    )


def _why(problems: tuple[Problem, ...]) -> str:
    first = next(iter(errors(problems)), None)
    return _told(first) if first is not None else "denied"


def _told(problem: Problem) -> str:
    return f"{problem.code} {problem.address}: {problem.message}"
