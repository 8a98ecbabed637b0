"""Following a repository: look, fetch, export, switch; whatever fails leaves the last revision in force."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import msgspec

from hal0_operator.home.exported import ExportedReader
from hal0_operator.loop import sync_state
from hal0_operator.loop.event_log import EventLog
from hal0_operator.loop.home_watch import HomeWatch
from hal0_operator.loop.intake import Admission
from hal0_operator.loop.remote import SourceFigures, counted
from hal0_operator.loop.store import StateDir
from hal0_operator.loop.sync_state import Known, SourceMemory, Trouble, short
from hal0_operator.model.memory import Overrides
from hal0_operator.model.settings import GitopsSettings
from hal0_operator.model.status import SourceStatus
from hal0_operator.seams.clock import Clock, Rng
from hal0_operator.seams.git import Git, GitFault, Revision

JITTER = 0.1
T = TypeVar("T")


class Time(msgspec.Struct, frozen=True):
    """The clock and chance, which go together here."""

    clock: Clock
    rng: Rng


class Sync:
    """Over a ``seams.git.Git``; ``overrides`` answers the stored ones."""

    def __init__(
        self,
        git: Git,
        settings: GitopsSettings,
        reader: ExportedReader,
        home: HomeWatch,
        state: StateDir,
        log: EventLog,
        time: Time,
    ) -> None:
        self._git = git
        self._settings = settings
        self._reader = reader
        self._home = home
        self._state = state
        self._log = log
        self._clock, self._rng = time.clock, time.rng
        self._memory = state.source()
        self._fetched: dict[str, Revision] = {}
        self._kept: tuple[str, ...] = ()
        self._tip = ""
        self._applied = ""
        self._trouble: Trouble | None = None
        self._failures = 0
        self._busy = ""
        self._well_at: float | None = None
        self._begun_at = time.clock.monotonic()
        self._hinted = anyio.Event()
        self._asked = self._answered = 0
        self._turn = anyio.Event()
        self._decided = anyio.Event()
        self._syncs: Counter[str] = Counter()
        self.overrides: Callable[[], Overrides] = Overrides
        home.decided = self._admission
        home.source.remote = self._status

    # ── triggers ───────────────────────────────────────────────────────────────────────────────

    def hint(self) -> None:
        """Look now."""
        self._asked += 1
        self._hinted.set()

    async def looked(self) -> None:
        """Return once a look that was begun after this call ended, and what it brought was decided."""
        self.hint()
        mine = self._asked
        while self._answered < mine:
            await self._turn.wait()
        if self._reader.commit:
            await self._home.fresh()

    # ── the task ───────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Follow until cancelled."""
        await self.begin()
        if self._home.cold and self._reader.commit:
            # Nothing is in force yet: what was good before comes first, or a bad revision would hold up everything.
            await self._decided.wait()
        while True:
            self._hinted = anyio.Event()
            asked = self._asked
            await self._look()
            self._answered = asked
            self._home.source.status()  # so that conditions have the time of this look, whoever asks when
            turn, self._turn = self._turn, anyio.Event()
            turn.set()
            pause = sync_state.pause_s(self._settings.interval_s, self._failures) * self._rng.jitter(JITTER)
            with anyio.move_on_after(pause):
                await self._hinted.wait()

    async def begin(self) -> bool:
        """Point at what was in force, as it lies here: no network is needed.  Whether anything lies here."""
        try:
            await self._list_kept()
            hold = self.overrides().hold
            good = self._memory.admitted
            wanted = [hold.commit if hold else "", good.commit if good else "", *self._kept]
            here = next((commit for commit in wanted if commit in self._kept), "")
            if here:
                await self._point(here)
        except GitFault as fault:
            self._fail(fault)
        return bool(self._reader.commit)

    async def _look(self) -> None:
        """One look, with what follows from it."""
        overrides = self.overrides()
        try:
            if overrides.hold is not None and overrides.hold.commit != self._reader.commit:
                await self._take(overrides.hold.commit)
            if overrides.source_suspended is not None:
                return
            self._working(f"looking at {self._settings.url}")
            self._tip = await _away(self._git.tip)
            if self.overrides().hold is not None or self._tip == self._reader.commit:
                self._well("unchanged")
                return
            await self._take(self._tip)
            self._well("changed")
        except GitFault as fault:
            self._fail(fault)
            await self._retake()
        finally:
            self._working("")

    async def _take(self, commit: str) -> None:
        """Fetch, export and point: all of it, or an exception and nothing.  Raises ``GitFault``."""
        if self._memory.attempted != commit:
            await self._remember(self._memory.with_attempt(commit, self._clock.wall()))
        self._working(f"fetching {short(commit)}")
        await self._point(commit)
        await self._prune()

    async def _point(self, commit: str) -> None:
        """Raises ``GitFault``."""
        revision = await _away(self._git.fetch, commit)
        folder = await _away(self._git.export, commit)
        if self._superseded(commit):
            return
        self._fetched[commit] = revision
        self._reader.point(folder, commit)
        self._home.hint()
        await self._list_kept()

    def _superseded(self, commit: str) -> bool:
        """A person rolled back, or suspended, while this one was on its way."""
        overrides = self.overrides()
        if overrides.hold is not None:
            return overrides.hold.commit != commit
        return overrides.source_suspended is not None and bool(self._reader.commit)

    async def _retake(self) -> None:
        """Without the remote: a refused revision that was taken up before is shown as refused again."""
        attempted = self._memory.attempted
        if self._reader.commit == attempted or attempted not in self._kept or self.overrides().hold is not None:
            return
        try:
            await self._point(attempted)
        except GitFault as fault:
            self._log.add("Warning", "SourceFailed", "", str(fault))

    async def _list_kept(self) -> None:
        kept = await _away(self._git.kept)
        self._kept = tuple(revision.commit for revision in kept)
        self._fetched |= {revision.commit: revision for revision in kept}
        self._fetched = {c: r for c, r in self._fetched.items() if c in self._kept or c == self._reader.commit}

    async def _prune(self) -> None:
        good, hold = self._memory.admitted, self.overrides().hold
        needed = {self._reader.commit, good.commit if good else "", hold.commit if hold else ""} - {""}
        await _away(self._git.prune, self._settings.keep, frozenset(needed))
        await self._list_kept()

    # ── what came of it ────────────────────────────────────────────────────────────────────────

    async def _admission(self, found: Admission) -> None:
        """The home decided on a revision."""
        self._decided.set()
        revision = self._fetched.get(found.revision)
        if revision is None:
            return
        if found.refused:
            if self._memory.attempted == revision.commit:
                self._log.add("Warning", "RevisionRefused", "", f"{_told(revision)}: the last one stays in force")
            return
        if self._memory.admitted != revision:
            memory = self._memory.with_admitted(revision, self._settings.keep, self._clock.wall())
            await self._remember(memory)
            self._log.add("Normal", "Synced", "", f"{_told(revision)} is in force")

    async def _remember(self, memory: SourceMemory) -> None:
        self._memory = memory
        try:
            await anyio.to_thread.run_sync(self._state.write_source, memory)
        except OSError as failed:
            problem = f"{failed.filename}: {failed.strerror}; after a restart another revision may count"
            self._log.add("Warning", "StateUnwritable", "", problem)

    def _well(self, result: str) -> None:
        self._syncs[result] += 1
        self._well_at = self._clock.monotonic()
        self._failures = 0
        if self._trouble is not None:
            self._log.add("Normal", "SourceRecovered", "", f"{self._settings.url} is followed again")
        self._trouble = None

    def _fail(self, fault: GitFault) -> None:
        trouble = Trouble(fault.kind, str(fault))
        self._syncs[fault.kind] += 1
        self._failures += 1
        if trouble != self._trouble:
            self._log.add("Warning", trouble.condition.type, "", trouble.message)
        self._trouble = trouble

    def _working(self, what: str) -> None:
        self._busy = what

    # ── what is known ──────────────────────────────────────────────────────────────────────────

    @property
    def _age(self) -> float:
        """Seconds since the last look that went well; of an earlier life since something last changed, else of ours."""
        if self._well_at is not None:
            return self._clock.monotonic() - self._well_at
        if not self._memory.at:
            return self._clock.monotonic() - self._begun_at
        now, then = (datetime.fromisoformat(text) for text in (self._clock.wall(), self._memory.at))
        return max((now - then).total_seconds(), 0.0)

    def _status(self, found: SourceStatus) -> SourceStatus:
        """A folder's status, made that of a repository."""
        good = self._memory.admitted
        if good is not None and self._home.source.revision == good.commit and self._home.settled():
            self._applied = good.commit
        overrides = self.overrides()
        known = Known(
            memory=self._memory,
            tip=self._tip,
            fetched=self._reader.commit,
            applied=self._applied,
            kept=self._kept,
            trouble=self._trouble,
            suspended=overrides.source_suspended,
            hold=overrides.hold,
            busy=self._busy,
            age_s=self._age,
            settled=self._home.settled(),
        )
        return sync_state.status(found, self._settings, known)

    @property
    def memory(self) -> SourceMemory:
        return self._memory

    @property
    def kept(self) -> tuple[str, ...]:
        """Commits that are exported here, newest use first."""
        return self._kept

    def figures(self) -> SourceFigures:
        overrides, good = self.overrides(), self._memory.admitted
        return SourceFigures(
            syncs=counted(self._syncs),
            age_seconds=self._age,
            commit=short(good.commit) if good else "",
            refused=self._home.source.refused,
            suspended=overrides.source_suspended is not None,
            held=overrides.hold is not None,
        )


async def _away(call: Callable[..., T], *args: Any) -> T:
    """A call of git, in a thread; an operator that ends does not wait for it, as the next one repairs what it left."""
    return await anyio.to_thread.run_sync(call, *args, abandon_on_cancel=True)


def _told(revision: Revision) -> str:
    return f"{short(revision.commit)} ({revision.subject}, by {revision.author})"
