"""Following a repository: look, fetch, export, switch; whatever fails leaves the last revision in force."""

import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import msgspec

from hal0_operator.home.exported import AGAIN_S, ExportedReader
from hal0_operator.loop import sync_state
from hal0_operator.loop.event_log import EventLog
from hal0_operator.loop.home_watch import HomeWatch
from hal0_operator.loop.intake import Admission
from hal0_operator.loop.outcomes import Outcomes
from hal0_operator.loop.record import Record
from hal0_operator.loop.remote import SourceFigures, counted
from hal0_operator.loop.store import StateDir
from hal0_operator.loop.sync_state import Known, SourceMemory, Trouble, short, told
from hal0_operator.model.memory import Overrides
from hal0_operator.model.settings import GitopsSettings
from hal0_operator.model.status import SourceStatus
from hal0_operator.seams.clock import Clock, Rng
from hal0_operator.seams.git import Git, GitFault, Revision

JITTER = 0.1
DECIDED_S = 1.0
"""How long a decision goes before the removal of old revisions: their many names would be in its way."""
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
        self._git, self._settings = git, settings
        self._reader, self._home, self._log = reader, home, log
        self._clock, self._rng = time.clock, time.rng
        self._record = Record(state, log)
        self._fetched: dict[str, Revision] = {}
        self._undecided: set[str] = set()
        self._kept: tuple[str, ...] = ()
        self._tip = self._applied = self._busy = ""
        self._outcomes = Outcomes(settings.url, log, time.clock, self.memory.at)
        self._hinted = anyio.Event()
        self._asked = self._answered = 0
        self._turn = anyio.Event()
        self._decided = anyio.Event()
        self.overrides: Callable[[], Overrides] = Overrides
        home.decided = self._admission
        home.back_at = lambda: hold.commit if (hold := self.overrides().hold) is not None else ""
        home.source.remote, home.source.newest = self._status, self._is_newest

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
        if self._reader.settles:
            await self._home.fresh()

    # ── the task ───────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Follow until cancelled."""
        await self.begin()
        if self._home.cold and self._reader.commit:
            await self._first()
        newest = False
        while True:
            self._hinted = anyio.Event()
            asked = self._asked
            await self._look()
            newest, before = self._is_newest(), newest
            if newest and not before:  # also where nothing else tells of it, as what was held is the tip now
                self._home.changed()
            self._answered = asked
            self._home.source.status()  # so that conditions have the time of this look, whoever asks when
            turn, self._turn = self._turn, anyio.Event()
            turn.set()
            pause = sync_state.pause_s(self._settings.interval_s, self._outcomes.failures) * self._rng.jitter(JITTER)
            with anyio.move_on_after(pause):
                await self._hinted.wait()

    async def begin(self) -> bool:
        """Point at what was in force, as it lies here: no network is needed.  Whether anything lies here."""
        try:
            await self._list_kept()
            overrides, home = self.overrides(), self._home
            these = sync_state.begin_with(self.memory, home.revision, self._kept, overrides, cold=home.cold)
            await self._note(self._fetched.get(home.revision))
        except GitFault as fault:
            self._outcomes.failed(fault)
            return False
        for commit in these:
            with contextlib.suppress(GitFault):  # the look that follows meets it again, and tells it
                await self._point(commit, again=True)
                break
        if not self._reader.commit and not home.cold:
            self._reader.point_at_none()
            home.hint()
        return bool(self._reader.commit)

    async def _first(self) -> None:
        """Nothing is in force yet: what was good before comes first, or a bad revision would hold up everything."""
        while not self._decided.is_set() and not self._reader.failing:
            with anyio.move_on_after(AGAIN_S):
                await self._decided.wait()
        overrides, attempted = self.overrides(), self.memory.attempted
        if attempted in self._kept and overrides.hold is None and overrides.source_suspended is None:
            with contextlib.suppress(GitFault):
                await self._point(attempted)

    async def _look(self) -> None:
        """One look, with what follows from it."""
        await self._record.write_again()
        try:
            hold = self.overrides().hold
            if hold is not None and not self._reader.has(hold.commit):
                await self._take(hold.commit, again=True)
            if self.overrides().source_suspended is not None:
                return
            self._busy = f"looking at {self._settings.url}"
            self._tip = await _away(self._git.tip)
            if self.overrides().hold is not None or self._reader.has(self._tip):
                await self._record.attempt(self._reader.commit, self._clock.wall())
                self._outcomes.well("unchanged")
                return
            await self._take(self._tip)
            self._outcomes.well("changed")
        except GitFault as fault:
            self._outcomes.failed(fault)
        finally:
            self._busy = ""

    async def _take(self, commit: str, *, again: bool = False) -> None:
        """Fetch, export and point: all of it, or an exception and nothing.  Raises ``GitFault``."""
        await self._record.attempt(commit, self._clock.wall())
        self._busy = f"fetching {short(commit)}"
        await self._point(commit, again=again)
        with anyio.move_on_after(DECIDED_S):
            await self._decided.wait()
        await self._prune()

    async def _point(self, commit: str, *, again: bool = False) -> None:
        """``again``: it was in force before, so what lies here of it counts, without a remote, a clone or a signer.

        Raises ``GitFault``.
        """
        revision = self._fetched.get(commit) if again and commit in self._kept else None
        try:
            if revision is None:
                revision = await _away(self._git.fetch, commit)
            folder = await _away(self._git.export, commit)
        except GitFault as fault:
            self._outcomes.not_taken(commit, fault)
            raise
        self._outcomes.taken(commit)
        if self._superseded(commit):
            return
        self._fetched[commit] = revision
        self._undecided.add(commit)
        self._decided = anyio.Event()
        self._reader.point(folder, commit)
        self._home.hint()
        await self._list_kept()

    def _superseded(self, commit: str) -> bool:
        """A person rolled back, or suspended, while this one was on its way."""
        overrides = self.overrides()
        if overrides.hold is not None:
            return overrides.hold.commit != commit
        return overrides.source_suspended is not None and bool(self._tip)

    async def _list_kept(self) -> None:
        kept = await _away(self._git.kept)
        self._kept = tuple(revision.commit for revision in kept)
        self._fetched |= {revision.commit: revision for revision in kept}
        self._fetched = {c: r for c, r in self._fetched.items() if c in self._kept or c in self._undecided}

    async def _prune(self) -> None:
        needed = sync_state.needed(self.memory, self._settings.keep, self.overrides()) | self._undecided
        await _away(self._git.prune, 1 + self._settings.keep, needed)  # the one in force, and those to go back to
        await self._list_kept()

    # ── what came of it ────────────────────────────────────────────────────────────────────────

    async def _admission(self, found: Admission) -> None:
        """The home decided on a revision."""
        self._decided.set()
        revision = self._fetched.get(found.revision)
        self._undecided = {self._reader.commit}  # of the others that it was pointed at, none is read any more
        if revision is None:
            return
        if found.refused:
            if self.memory.attempted == revision.commit:
                self._log.add("Warning", "RevisionRefused", "", f"{told(revision)}: the last one stays in force")
            return
        if await self._note(revision):
            self._log.add("Normal", "Synced", "", f"{told(revision)} is in force")

    async def _note(self, revision: Revision | None) -> bool:
        """It is in force; whether that is news."""
        if revision is None or self.memory.admitted == revision:
            return False
        await self._record.write(self.memory.with_admitted(revision, self._settings.keep, self._clock.wall()))
        return True

    # ── what is known ──────────────────────────────────────────────────────────────────────────

    def _status(self, found: SourceStatus) -> SourceStatus:
        """A folder's status, made that of a repository."""
        in_force = self._home.source.revision
        if in_force and self._home.settled():
            self._applied = in_force
        overrides = self.overrides()
        known = Known(
            memory=self.memory,
            tip=self._tip,
            fetched=self._reader.commit,
            in_force=in_force,
            applied=self._applied,
            kept=self.kept,
            trouble=self._outcomes.trouble,
            refusal=self._refusal,
            suspended=overrides.source_suspended,
            hold=overrides.hold,
            busy=self._busy,
            age_s=self._outcomes.age,
            settled=self._home.settled(),
        )
        return sync_state.status(found, self._settings, known)

    def _is_newest(self) -> bool:
        """What is in force is what the remote names now, and nobody went back to it."""
        return self.overrides().hold is None and bool(self._tip) and self._tip == self._home.source.revision

    @property
    def _refusal(self) -> Trouble | None:
        """Of the revision that should be in force."""
        hold = self.overrides().hold
        return self._outcomes.refusal(hold.commit if hold is not None else self._tip)

    @property
    def memory(self) -> SourceMemory:
        return self._record.memory

    @property
    def kept(self) -> tuple[str, ...]:
        """Commits that a rollback may go to, newest use first."""
        return sync_state.good_ones(self.memory, self._kept)

    def figures(self) -> SourceFigures:
        overrides = self.overrides()
        return SourceFigures(
            syncs=counted(self._outcomes.results),
            age_seconds=self._outcomes.age,
            commit=short(self._home.source.revision),
            refused=self._home.source.refused or self._refusal is not None,
            suspended=overrides.source_suspended is not None,
            held=overrides.hold is not None,
        )


async def _away(call: Callable[..., T], *args: Any) -> T:
    """A call of git, in a thread; an operator that ends does not wait for it, as the next one repairs what it left."""
    return await anyio.to_thread.run_sync(call, *args, abandon_on_cancel=True)
