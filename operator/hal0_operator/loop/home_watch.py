"""The home, from hint to admitted: look until it stands still, decide, store, hand to the loop."""

from collections import Counter
from collections.abc import Callable

import anyio
import anyio.to_thread

from hal0_operator.admission.verdict import Verdict
from hal0_operator.desired.names import SLOTS_FOLDER, shown
from hal0_operator.desired.source import HomeFiles
from hal0_operator.home.read import Reader, Reading
from hal0_operator.loop.drive import Drive
from hal0_operator.loop.event_log import EventLog
from hal0_operator.loop.intake import Admission, Intake
from hal0_operator.loop.store import StateDir
from hal0_operator.model.capability import Selection
from hal0_operator.model.problem import Problem, errors, slot_key
from hal0_operator.model.slot import Slot
from hal0_operator.model.status import Condition, SourceStatus
from hal0_operator.reconcile.prune import Vanished
from hal0_operator.seams.clock import Clock
from hal0_operator.status.conditions import told
from hal0_operator.status.facts import AdmissionFacts


class HomeWatch:
    """``approved`` answers the snapshot whose pruning a person approved; ``changed`` is told of every admission."""

    def __init__(
        self, reader: Reader, intake: Intake, drive: Drive, log: EventLog, state: StateDir, clock: Clock, path: str
    ) -> None:
        self._reader = reader
        self._intake = intake
        self._drive = drive
        self._log = log
        self._state = state
        self._clock = clock
        self._path = path
        self._hinted = anyio.Event()
        self._files: HomeFiles | None = None
        self._admission: Admission | None = None
        self._asked = 0
        self._answered = 0
        self._turn = anyio.Event()
        self._since_tick: int | None = None
        self._admitted_at = 0.0
        self._busy = ""
        self._told: frozenset[Problem] = frozenset()
        self.watch_problem = ""
        self.store_problem = ""
        self.denials: Counter[tuple[str]] = Counter()
        self.approved: Callable[[], str] = lambda: ""
        self.changed: Callable[[], None] = lambda: None

    # ── what is known ──────────────────────────────────────────────────────────────────────────

    @property
    def read(self) -> bool:
        return self._admission is not None

    @property
    def current(self) -> bool:
        """The last hint was acted on."""
        return self._admission is not None and not self._hinted.is_set() and self._since_tick is None

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

    def source(self) -> SourceStatus:
        found = self._admission
        age = self._clock.monotonic() - self._admitted_at if found else 0.0
        digest = found.snapshot.digest if found else ""
        return SourceStatus(
            kind="directory",
            url=shown(self._path),
            attempted=digest,
            fetched=digest,
            admitted=found.verdict.admitted.digest if found else "",
            applied=found.desired.digest if found else "",
            age_seconds=round(age, 1),
            conditions=tuple(self._conditions()),
        )

    def _conditions(self) -> list[Condition]:
        found = self._admission
        first = next(iter(errors(found.problems)), None) if found else None
        admitted = Condition("Admitted", "True", "Admitted", "")
        if first is not None:
            admitted = Condition("Admitted", "False", "Denied", told(first))
        elif found is None:
            admitted = Condition("Admitted", "Unknown", "NotRead", self._busy or "the home was not read yet")
        core = self._drive.reconciler
        named = {
            "HomeBusy": self._busy,
            "PruneHeld": self.pruning.why,
            "PodmanUnavailable": core.podman.down,
            "StateUnwritable": self.store_problem or core.store_error,
            "WatchFailed": self.watch_problem,
        }
        return [admitted, *(Condition(type, "True", type, message) for type, message in named.items() if message)]

    # ── triggers ───────────────────────────────────────────────────────────────────────────────

    def hint(self) -> None:
        self._asked += 1
        self._hinted.set()

    async def fresh(self) -> None:
        """Return once a reading begun after this call was decided."""
        self.hint()
        mine = self._asked
        while self._answered < mine:
            await self._turn.wait()

    # ── the task ───────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Look at every hint; until cancelled."""
        self.hint()
        while True:
            await self._hinted.wait()
            self._hinted = anyio.Event()
            await self._read()

    async def once(self) -> None:
        """One settled reading, for whoever looks without a loop."""
        await self._read()

    async def _read(self) -> None:
        """Look until the home stands still; the list that the new state needs begins at the first look."""
        while True:
            asked = self._asked
            reading = await anyio.to_thread.run_sync(self._reader.look, self._clock.monotonic())
            if reading.settled:
                break
            self._unsettled(reading)
            pause = max((reading.again_at or 0) - self._clock.monotonic(), 0)
            with anyio.move_on_after(pause):
                await self._hinted.wait()
            if self._hinted.is_set():
                self._hinted = anyio.Event()
        if self._busy:
            self._busy = ""
            self.changed()
        if reading.files is not self._files or self._reconsider():
            await self._decide(reading.files)
        elif self.store_problem and self._admission is not None:
            await self._store(self._admission.verdict)
        self._since_tick = None
        self._answered = asked
        turn, self._turn = self._turn, anyio.Event()
        turn.set()

    def _unsettled(self, reading: Reading) -> None:
        core = self._drive.reconciler
        if self._since_tick is None:
            self._since_tick = core.tick
            core.want_list()
            self._drive.wake()
        if reading.files.busy != self._busy:
            self._busy = reading.files.busy
            self.changed()

    def _reconsider(self) -> bool:
        """Something but the files decides anew: an approval, or a first look at the containers."""
        return self._admission is not None and bool(self.pruning.slots) and self.approved() == self.digest

    async def _decide(self, files: HomeFiles) -> None:
        await self._drive.observed()
        core = self._drive.reconciler
        since = self._since_tick if self._since_tick is not None else core.tick - 1
        owners, approved = core.world.owners(), self.approved()
        found = await anyio.to_thread.run_sync(self._intake.decide, files, owners, approved)
        before, self._admission = self._admission, found
        self._files = files
        self._admitted_at = self._clock.monotonic()
        core.admit(found.desired, since)
        self._drive.wake()
        self._tell(before, found)
        self.changed()
        await self._store(found.verdict)

    async def _store(self, verdict: Verdict) -> None:
        try:
            await anyio.to_thread.run_sync(self._state.write_admitted, verdict.admitted)
            self.store_problem = ""
        except OSError as failed:
            problem = f"{failed.filename}: {failed.strerror}; after a restart the last stored state counts"
            if problem != self.store_problem:
                self._log.add("Warning", "StateUnwritable", "", problem)
            self.store_problem = problem

    def _tell(self, before: Admission | None, found: Admission) -> None:
        """New problems become events; what was denied is counted once per admission that denies it anew."""
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
        type=declared.type or "llm",
        device=declared.device or "gpu-rocm",
        profile=declared.profile or "",
        enabled=declared.enabled is not False,
        port=declared.port,
        model=declared.model,
    )
