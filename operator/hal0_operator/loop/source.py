"""The source: what is known of a home, for statuses and for people."""

from collections import Counter
from collections.abc import Callable

import msgspec

from hal0_operator.admission.defaults.device import device_of
from hal0_operator.admission.defaults.shadow import bound_slot
from hal0_operator.admission.defaults.type import type_of
from hal0_operator.desired.names import SLOTS_FOLDER, shown
from hal0_operator.home.exported import NOTHING_YET
from hal0_operator.loop.event_log import EventLog
from hal0_operator.loop.intake import Admission
from hal0_operator.model.capability import CHILDREN, Child, Selection
from hal0_operator.model.problem import Problem, errors, slot_key
from hal0_operator.model.slot import Slot
from hal0_operator.model.status import Condition, SourceStatus
from hal0_operator.reconcile.prune import Vanished
from hal0_operator.reconcile.reconciler import Reconciler
from hal0_operator.seams.clock import Clock
from hal0_operator.status.conditions import carry_over, told
from hal0_operator.status.facts import AdmissionFacts


class Source:
    """``path`` is the home as it was named.  What went wrong and still does is ``""`` when nothing did.

    ``revision`` is the commit in force, ``remote`` makes a status that of a repository; both for homes of git.
    ``newest``: what is in force is what people wrote last, not what one of them went back to.
    """

    def __init__(self, path: str, core: Reconciler, log: EventLog, clock: Clock) -> None:
        self.path = path
        self._core = core
        self._log = log
        self._clock = clock
        self._admission: Admission | None = None
        self._admitted_at = 0.0
        self._told: frozenset[Problem] = frozenset()
        self.busy = ""
        self.watch_problem = ""
        self.store_problem = ""
        self.write_problem = ""
        self.denials: Counter[tuple[str]] = Counter()
        self._shown: SourceStatus | None = None
        self.revision = ""
        self.remote: Callable[[SourceStatus], SourceStatus] | None = None
        self.newest: Callable[[], bool] = lambda: True

    @property
    def read(self) -> bool:
        return self._admission is not None

    @property
    def refused(self) -> bool:
        """Nothing of the newest revision came into force."""
        return self._admission is not None and self._admission.refused and not self.lost

    @property
    def lost(self) -> str:
        """Why nothing could be read of what is in force."""
        return self._admission.lost if self._admission else ""

    @property
    def digest(self) -> str:
        return self._admission.snapshot.digest if self._admission else ""

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._admission.problems if self._admission else ()

    @property
    def pruning(self) -> Vanished:
        return self._admission.pruning if self._admission else Vanished()

    @property
    def selections(self) -> dict[str, Selection]:
        return self._admission.verdict.admitted.selections if self._admission else {}

    def serving(self, child: Child) -> str:
        """The slot that serves an overlay child, or would."""
        slots = self._admission.verdict.admitted.slots if self._admission else {}
        return bound_slot(child, slots, slots)

    def child_of(self, slot: str) -> str:
        """The dotted overlay child that a slot serves, ``""`` for none."""
        slots = self._admission.verdict.admitted.slots if self._admission else {}
        found = (c.dotted for c in CHILDREN.values() if slot in slots and bound_slot(c, slots, slots) == slot)
        return next(found, "")

    def admission_of(self, slot: str) -> AdmissionFacts:
        found = self._admission
        if found is None:
            return AdmissionFacts()
        key = slot_key(slot)
        kept = found.verdict.kept.get(slot, "")
        if slot in found.pruning.slots:
            kept = found.pruning.why
        return AdmissionFacts(
            asked=found.verdict.generations.get(slot, ""),
            denied=errors(found.denied.get(key, ())),
            violations=errors(found.violations.get(key, ())),
            kept=kept,
            slot=_stand_in(slot, found),
        )

    def status(self) -> SourceStatus:
        """A condition's time moves when it is asked for first after its status or reason did."""
        found = self._admission
        age = self._clock.monotonic() - self._admitted_at if found else 0.0
        digest = found.snapshot.digest if found else ""
        status = SourceStatus(
            kind="directory",
            url=shown(self.path),
            attempted=digest,
            fetched=digest,
            admitted=found.verdict.admitted.digest if found else "",
            applied=found.desired.digest if found else "",
            age_seconds=round(age, 1),
            conditions=tuple(self._conditions()),
        )
        if self.remote is not None:
            status = self.remote(status)
        conditions = carry_over(status.conditions, self._shown, self._clock.wall())
        self._shown = msgspec.structs.replace(status, conditions=conditions)
        return self._shown

    def _conditions(self) -> list[Condition]:
        found = self._admission
        first = next(iter(errors(found.problems)), None) if found else None
        admitted = Condition("Admitted", "True", "Admitted", "")
        if self.lost:
            admitted = Condition("Admitted", "Unknown", "NotRead", self.lost)
        elif first is not None:
            admitted = Condition("Admitted", "False", "Denied", told(first))
        elif self.refused:
            admitted = Condition("Admitted", "False", "PruneHeld", self.pruning.why)
        elif found is None:
            admitted = Condition("Admitted", "Unknown", "NotRead", self.busy or "the home was not read yet")
        core = self._core
        named = {
            "HomeBusy": self.busy if self.busy != NOTHING_YET else "",
            "PruneHeld": self.pruning.why,
            "PodmanUnavailable": core.podman.down,
            "StateUnwritable": self.store_problem or core.store_error,
            "HomeUnwritable": self.write_problem,
            "WatchFailed": self.watch_problem,
        }
        return [admitted, *(Condition(type, "True", type, message) for type, message in named.items() if message)]

    def admitted(self, found: Admission) -> None:
        """New problems become events; what was denied is counted once per admission that denies it anew."""
        before, self._admission = self._admission, found
        self._admitted_at = self._clock.monotonic()
        if not found.refused:
            self.revision = found.revision
        problems = frozenset(found.problems)
        for problem in found.problems:
            if problem in self._told:
                continue
            if problem.severity == "error":
                self.denials[(problem.code,)] += 1
                self._log.add("Warning", "Denied", _slot_of(problem), told(problem))
            else:
                self._log.add("Normal", "Warned", _slot_of(problem), told(problem))
        self._told = problems
        if found.pruning.why and (before is None or before.pruning != found.pruning):
            self._log.add("Warning", "PruneHeld", "", found.pruning.why)
        if before is not None and before.verdict.observed != found.verdict.observed:
            self._log.add("Normal", "Admitted", "", f"the home changed to {found.snapshot.digest}")


def _slot_of(problem: Problem) -> str:
    folder, _, name = problem.file.rpartition("/")
    return name.removesuffix(".toml") if folder == SLOTS_FOLDER else ""


def _stand_in(slot: str, found: Admission) -> Slot | None:
    """For a slot that was never admitted: what its file says, as far as it could be read."""
    declared = found.snapshot.slots.get(slot)
    if declared is None:
        return None
    return Slot(
        name=slot,
        file=declared.file,
        type=type_of(declared),
        device=device_of(declared),
        profile=declared.profile or "",
        enabled=declared.enabled is not False,
        port=declared.port,
        model=declared.model,
    )
