"""Wishes taken to a home: one path for the API, the verbs and the loop itself.

Hold the home for writing, read it as it is, judge the change set as a whole, commit it.
"""

from collections import Counter
from collections.abc import Callable, Container
from typing import Literal, TypeVar, get_args

import msgspec

from hal0_operator.changes.change_set import ChangeSet
from hal0_operator.changes.judged import Judge, Judged
from hal0_operator.changes.proposal import Proposal, complete, propose
from hal0_operator.changes.refusal import Refusal
from hal0_operator.changes.wish import Wish
from hal0_operator.desired.source import HomeFiles
from hal0_operator.home.commit import PATIENCE_S, Conflict, Recovered, Unfinished, Unwritten, Writing, commit, writing
from hal0_operator.home.git import at_work
from hal0_operator.home.lock import LockHeld
from hal0_operator.home.read import Reader

Severity = Literal["Normal", "Warning"]
Tell = Callable[[Severity, str, str], None]
"""An event: its severity, its reason, its message."""

Result = Literal["committed", "refused", "conflict", "unwritten", "unfinished", "rolled_forward", "overlaid"]
RESULTS: tuple[Result, ...] = get_args(Result)
T = TypeVar("T")

MOMENT_S = 0.2
"""How long the loop waits for the home's lock, since it has the files' meaning in force all the same."""
PASSING = frozenset({"home.busy", "changeset.conflict"})
"""Codes of refusals that another try may not meet."""

LARGE = 5
"""Files of a change set that an event names; more are counted."""


class Written(msgspec.Struct, frozen=True):
    """A proposal with what became of it.

    ``committed`` is False when it was only asked what would be, or nothing had to change.  ``overlaid``
    are files whose newer save by a person was kept; ``unfinished`` says why files could not be replaced yet.
    """

    proposal: Proposal
    committed: bool = False
    overlaid: tuple[str, ...] = ()
    unfinished: str = ""

    @property
    def files(self) -> HomeFiles | None:
        """The home as it is now, where that is known."""
        return None if self.overlaid or not self.committed else self.proposal.after.files


class Writer:
    """``present`` judges files after the state in force, ``judge`` after any.

    ``pause`` waits for so many seconds.  Every method blocks, and is called from one thread at a time.
    """

    def __init__(
        self,
        reader: Reader,
        present: Callable[[HomeFiles], Judged],
        judge: Judge,
        tell: Tell,
        pause: Callable[[float], None],
    ) -> None:
        self._reader = reader
        self._present = present
        self._judge = judge
        self._tell = tell
        self._pause = pause
        self.results: Counter[tuple[str]] = Counter()

    def change(self, wish: Wish, by: str, ports: Container[int], *, dry_run: bool = False) -> Written:
        """Write what a wish comes to.  Raises ``Refusal`` when nothing was written."""
        if dry_run:
            return Written(self._propose(wish, by, self._reader.now(), ports))

        def work(held: Writing) -> Written:
            return self._commit(held.root, self._propose(wish, by, self._reader.now(held=True), ports))

        return self._holding(work)

    def complete(self, judged: Judged, ports: Container[int], patience_s: float = PATIENCE_S) -> Written | None:
        """Carry over what follows from the files alone; ``None`` when nothing does.

        Raises ``Refusal`` when it cannot be written, and when the files have changed since.
        """
        proposal = complete(judged, self._judge, ports)
        if proposal is None:
            return None
        return self._holding(lambda held: self._commit(held.root, proposal), patience_s)

    def completed(self, files: HomeFiles, ports: Container[int]) -> tuple[Judged, Refusal | None]:
        """What is to be in force of files as they were read, with what one says carried over to the other.

        What cannot be written stays merged in memory, which is in force just the same; the refusal says why then.
        """
        judged = self._present(files)
        try:
            if files.pending:
                self._holding(lambda _: None, MOMENT_S)
            written = self.complete(judged, ports, MOMENT_S)
        except Refusal as refused:
            return judged, refused
        if written is None or written.files is None:
            return judged, None
        after = self._present(written.files)
        self._tell_settled(judged, after)
        return after, None

    def _holding(self, work: Callable[[Writing], T], patience_s: float = PATIENCE_S) -> T:
        try:
            with writing(self._reader.fs, self._reader.home, self._pause, patience_s) as held:
                self._tell_recovered(held.recovered)
                moving = at_work(self._reader.fs, held.root)
                if moving is not None:
                    raise Refusal(
                        "home.busy", f"git is at work in the home ({moving.names}): try again when it has ended"
                    )
                return work(held)
        except Conflict as failed:
            self._count("conflict")
            self._tell("Warning", "ChangeSetConflict", str(failed))
            raise Refusal("changeset.conflict", str(failed)) from failed
        except LockHeld as failed:
            raise Refusal("home.busy", str(failed)) from failed
        except Unwritten as failed:
            self._count("unwritten")
            raise Refusal("changeset.unwritten", str(failed)) from failed
        except Unfinished as failed:  # of an earlier writer
            raise Refusal("changeset.unfinished", str(failed)) from failed

    def _propose(self, wish: Wish, by: str, files: HomeFiles, ports: Container[int]) -> Proposal:
        if files.busy:
            raise Refusal("home.busy", f"{files.busy}: try again")
        try:
            return propose(wish, by, self._present(files), self._judge, ports)
        except Refusal:
            self._count("refused")
            raise

    def _commit(self, root: str, proposal: Proposal) -> Written:
        change_set, unfinished = proposal.change_set, ""
        overlaid: tuple[str, ...] = ()
        if not change_set.changes:
            return Written(proposal)
        try:
            overlaid = commit(self._reader.fs, root, change_set, self._reader.home).overlaid
        except Unfinished as failed:
            unfinished = str(failed)
            self._count("unfinished")
            self._tell("Warning", "ChangeSetUnfinished", unfinished)
        self._count("committed")
        self._tell("Normal", "ChangeSetCommitted", told(change_set))
        self._tell_overlaid(overlaid)
        return Written(proposal, committed=True, overlaid=overlaid, unfinished=unfinished)

    def _tell_settled(self, before: Judged, after: Judged) -> None:
        """Where the two never agreed, a value was replaced, and nothing in the files tells of it any more."""
        left = {problem.message for problem in after.verdict.problems}
        for problem in before.verdict.problems:
            if problem.code == "capability.drift" and problem.message not in left:
                self._tell("Warning", "DriftSettled", f"{problem.code} {problem.file}: {problem.message}")

    def _tell_recovered(self, found: Recovered | None) -> None:
        if found is None:
            return
        self._count("rolled_forward")
        what = f"{found.by or 'somebody'}: {found.why or ', '.join(found.files)}"
        end = "its new contents were lost, and nothing of it was written" if found.void else "it is written now"
        self._tell("Normal", "ChangeSetRolledForward", f"{what}: this change set had not been finished; {end}")
        self._tell_overlaid(found.overlaid)

    def _tell_overlaid(self, files: tuple[str, ...]) -> None:
        for file in files:
            self._count("overlaid")
            self._tell("Warning", "ChangeSetOverlaid", f"{file} was saved meanwhile: the newer save was kept")

    def _count(self, result: Result) -> None:
        self.results[(result,)] += 1


def told(change_set: ChangeSet) -> str:
    """Who, what for, and which files."""
    files = change_set.files
    named = ", ".join(files) if len(files) <= LARGE else f"{len(files)} files"
    return f"{change_set.by}: {change_set.why} ({named})"
