"""The home, from hint to admitted: look until it stands still, decide, store, hand to the loop."""

from collections.abc import Awaitable, Callable
from functools import partial

import anyio
import anyio.from_thread
import anyio.to_thread

from hal0_operator.changes.judged import Judged
from hal0_operator.changes.refusal import ReadOnly, Refusal
from hal0_operator.changes.wish import DeleteSlot, Wish
from hal0_operator.desired.source import HomeFiles
from hal0_operator.home.read import Reader, Reading
from hal0_operator.home.writer import PASSING, Severity, Writer, Written
from hal0_operator.loop.drive import Drive
from hal0_operator.loop.event_log import EventLog
from hal0_operator.loop.intake import Admission, Intake
from hal0_operator.loop.source import Source
from hal0_operator.loop.store import StateDir
from hal0_operator.model.snapshot import Admitted
from hal0_operator.model.status import Plan
from hal0_operator.reconcile.desired import Desired
from hal0_operator.seams.clock import Clock

STILL_S = 3.0
"""More than a file without a final newline is waited for."""
Pause = Callable[[float], None]
Planner = Callable[[Desired], Plan]


async def _nobody(_found: Admission) -> None:
    pass


class HomeWatch:
    """``approved`` answers the snapshot whose pruning a person approved; ``changed`` and ``decided`` are told of
    every admission.  Of a home whose readings come as a whole (a repository) nothing is ever written.

    ``pause`` waits for so many seconds, in a worker thread.
    """

    def __init__(
        self, reader: Reader, intake: Intake, drive: Drive, log: EventLog, state: StateDir, clock: Clock, pause: Pause
    ) -> None:
        self._reader = reader
        self._intake = intake
        self._writer = Writer(reader, intake.present, intake.judge, self._told_by_writer, pause)
        self._drive = drive
        self._log = log
        self._state = state
        self._clock = clock
        self._one = anyio.Lock()
        self._hinted = anyio.Event()
        self._files: HomeFiles | None = None
        self._asked = 0
        self._answered = 0
        self._turn = anyio.Event()
        self._since_tick: int | None = None
        self._unwritten = False
        self.source = Source(reader.home, drive.reconciler, log, clock)
        self.source.revision = self.revision
        self.approved: Callable[[], str] = lambda: ""
        self.back_at: Callable[[], str] = lambda: ""
        self.changed: Callable[[], None] = lambda: None
        self.decided: Callable[[Admission], Awaitable[None]] = _nobody

    @property
    def cold(self) -> bool:
        """Nothing was ever in force."""
        return self._intake.last is None

    @property
    def revision(self) -> str:
        """The commit that is in force, also of an earlier life; ``""`` for none, and for a folder."""
        return self._intake.last.revision if self._intake.last is not None else ""

    def settled(self) -> bool:
        """The home as it is was decided, and nothing is left to do but waiting."""
        core = self._drive.reconciler
        return self.current and core.world.tick > 0 and core.quiet()

    @property
    def current(self) -> bool:
        """The last hint was acted on."""
        return self.source.read and not self._hinted.is_set() and self._since_tick is None

    @property
    def change_sets(self) -> dict[tuple[str], int]:
        """How many, by what became of them."""
        return dict(self._writer.results)

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
        asked, pause = self._asked, await self._look()
        while pause is not None:
            with anyio.move_on_after(pause):
                await self._hinted.wait()
            if self._hinted.is_set():
                self._hinted = anyio.Event()
            asked, pause = self._asked, await self._look()
        self._since_tick = None
        self._answered = asked
        turn, self._turn = self._turn, anyio.Event()
        turn.set()

    async def _look(self) -> float | None:
        """Look once, and decide when the home stands still; else the seconds until the next look."""
        async with self._one:
            reading = await anyio.to_thread.run_sync(self._reader.look, self._clock.monotonic())
            if not reading.settled:
                self._unsettled(reading)
                return max((reading.again_at or 0) - self._clock.monotonic(), 0)
            if self.source.busy:
                self.source.busy = ""
                self.changed()
            if reading.files is not self._files or self._reconsider():
                if not self._drive.reconciler.world.tick:  # Podman may be away for long: what counts is read after it
                    await self._drive.observed()
                    return 0
                await self._decide(reading.files)
            elif self.source.store_problem and self._intake.last is not None:
                await self._store(self._intake.last)
            return None

    def _unsettled(self, reading: Reading) -> None:
        core = self._drive.reconciler
        if self._since_tick is None:
            self._since_tick = core.tick
            core.want_list()
            self._drive.wake()
        if reading.files.busy != self.source.busy:
            self.source.busy = reading.files.busy
            self.changed()

    def _reconsider(self) -> bool:
        """Something but the files decides anew: an approval, or what could not be written before."""
        if not self.source.read:
            return False
        approved = bool(self.source.pruning.slots) and self.approved() == self.source.digest
        return approved or self._unwritten

    async def _decide(self, files: HomeFiles) -> None:
        ports = self._ports()
        if self._state.looks or self._intake.whole:
            judged = await anyio.to_thread.run_sync(self._intake.present, files)
        else:
            work = partial(self._writer.completed, files, ports)
            judged, refused = await anyio.to_thread.run_sync(work)
            self._unwritten = refused is not None
            self._tell_unwritten("" if refused is None or refused.code in PASSING else str(refused))
        await self._enforce(judged)

    def _tell_unwritten(self, problem: str) -> None:
        if problem and problem != self.source.write_problem:
            self._log.add("Warning", "HomeUnwritable", "", problem)
        self.source.write_problem = problem

    async def _still(self) -> None:
        """Wait a while where somebody is saving just now: a wish must not bring half a file into force."""
        with anyio.move_on_after(STILL_S):
            while True:
                reading = await anyio.to_thread.run_sync(self._reader.look, self._clock.monotonic())
                if reading.settled:
                    return
                await anyio.sleep(max((reading.again_at or 0) - self._clock.monotonic(), 0))
        raise Refusal("home.busy", "files of the home are being written just now: try again")

    async def change(self, wish: Wish, by: str, plan: Planner, *, dry_run: bool) -> tuple[Written, Plan]:
        """Write what a wish comes to, and act on it at once; the plan is what follows from it.

        Raises ``changes.refusal.Refusal``: ``ReadOnly`` where nothing is ever written.
        """
        async with self._one:
            await self._still()
            ports = self._ports()
            self._intake.let_go = frozenset([wish.name]) if isinstance(wish, DeleteSlot) else frozenset()
            try:
                only = dry_run or self._intake.whole
                written = await anyio.to_thread.run_sync(lambda: self._writer.change(wish, by, ports, dry_run=only))
                if not dry_run and self._intake.whole and written.proposal.change_set.changes:
                    raise ReadOnly(self._reader.home, written.proposal.change_set)
                follows = plan(self._intake.tried(written.proposal.after).desired)
                if written.files is not None:
                    await self._enforce(await anyio.to_thread.run_sync(self._intake.present, written.files))
            finally:
                self._intake.let_go = frozenset()
        if written.committed:
            self.hint()
        return written, follows

    def _ports(self) -> frozenset[int]:
        """Ports that are taken, those aside that slots name; and what the next judgement goes by."""
        core = self._drive.reconciler
        self._intake.owners, self._intake.approved = core.world.owners(), self.approved()
        self._intake.back_at = self.back_at()
        used = {port for container in core.world.containers.values() for port in container.ports}
        return frozenset(core.aims.ports_taken("") | used)

    async def _enforce(self, judged: Judged) -> None:
        core = self._drive.reconciler
        since = self._since_tick if self._since_tick is not None else core.tick - 1
        found = await anyio.to_thread.run_sync(self._intake.accept, judged)
        self._files = judged.files
        self._reader.adopt(judged.files)
        core.admit(found.desired, since)
        self._drive.wake()
        self.source.admitted(found)
        self.changed()
        if self._intake.last is not None:
            await self._store(self._intake.last)
        await self.decided(found)

    def _told_by_writer(self, severity: Severity, reason: str, message: str) -> None:
        """The writer works in a thread."""
        anyio.from_thread.run_sync(self._log.add, severity, reason, "", message)

    async def _store(self, admitted: Admitted) -> None:
        try:
            await anyio.to_thread.run_sync(self._state.write_admitted, admitted)
            self.source.store_problem = ""
        except OSError as failed:
            problem = f"{failed.filename}: {failed.strerror}; after a restart the last stored state counts"
            if problem != self.source.store_problem:
                self._log.add("Warning", "StateUnwritable", "", problem)
            self.source.store_problem = problem
