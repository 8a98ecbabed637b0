"""The home, judged and written by this process itself: no operator is asked."""

import contextlib
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from hal0_operator.changes import proposal as proposals
from hal0_operator.changes.change_set import ChangeSet
from hal0_operator.changes.judged import Judged
from hal0_operator.changes.refusal import ReadOnly, Refusal
from hal0_operator.changes.wish import DeleteSlot, Wish
from hal0_operator.cli import inputs
from hal0_operator.cli.effects import follows
from hal0_operator.cli.following import followed, located
from hal0_operator.cli.options import Failed, Paths
from hal0_operator.cli.output import write_line
from hal0_operator.desired.positions import locate
from hal0_operator.desired.source import HomeFiles
from hal0_operator.home.identity import identify
from hal0_operator.home.lock import operator_lock_path
from hal0_operator.home.read import Reader
from hal0_operator.home.writer import Severity, Writer, Written
from hal0_operator.loop.intake import Intake
from hal0_operator.loop.store import ForeignState, StateDir
from hal0_operator.loop.view import Change
from hal0_operator.web.shapes import change_body

Base = Mapping[str, bytes | None]
"""By file: the content that a person saw before the change; ``None`` where there was no file."""


class Local:
    """``cold``: nothing that an operator remembers counts, as in a checkout that none serves.

    Raises ``Failed`` when there is no such home.
    """

    def __init__(self, paths: Paths, *, cold: bool = False) -> None:
        self.settings = inputs.settings(paths)
        self._repository = followed(paths, self.settings)
        paths = located(paths, self.settings)
        if not os.path.isdir(paths.home):
            raise Failed(f"{paths.home}: there is no such home; hal0ctl init {paths.home} writes one")
        self.home = paths.home
        self._fs = inputs.files()
        own = self.settings if self._repository else msgspec.structs.replace(self.settings, gitops=None)
        self._id = identify(own, paths.home)
        self._runtime = paths.runtime_dir
        self._base: Base = {}
        state = StateDir(self._fs, paths.state_dir, self._id, looks=True)
        self.remembered: dict[str, int] = {}
        self._intake = Intake(inputs.seeds(), self.settings, None, whole=bool(self._repository))
        with contextlib.suppress(ForeignState):
            if not cold:
                memory = state.memory().slots
                self._intake.last, self._intake.approved = state.admitted(), state.overrides().prune_approved
                self.remembered = {name: slot.port for name, slot in memory.items() if slot.port is not None}
        self._reader = Reader(self._fs, paths.home)
        self._writer = Writer(self._reader, self._present, self._intake.judge, _told, time.sleep)

    @property
    def ports(self) -> frozenset[int]:
        """Ports that are taken besides those that slots name."""
        return frozenset(self.remembered.values())

    def judged(self) -> Judged:
        """The home as it is now, after what is in force.  Raises ``Failed`` while somebody writes it."""
        files = self._reader.now()
        if files.busy:
            raise Failed(f"{self.home}: {files.busy}: try again")
        return self._intake.present(files)

    def change(self, wish: Wish, by: str, *, dry_run: bool, base: Base | None = None) -> Written:
        """Write what a wish comes to, if files are still as ``base`` has them.  Raises ``Refusal``."""
        self._base = base or {}
        self._intake.let_go = frozenset([wish.name]) if isinstance(wish, DeleteSlot) else frozenset()
        written = self._writer.change(wish, by, self.ports, dry_run=dry_run or bool(self._repository))
        if self._repository and not dry_run and written.proposal.change_set.changes:
            raise ReadOnly(self._repository, written.proposal.change_set)
        return written

    def complete(self, *, dry_run: bool) -> Written:
        """Carry over what one file says to the other.  Raises ``Refusal``."""
        judged = self.judged()
        written = None if dry_run else self._writer.complete(judged, self.ports)
        found = proposals.complete(judged, self._intake.judge, self.ports) if dry_run else None
        return written or Written(found or proposals.Proposal(ChangeSet(()), judged, judged))

    def body(self, written: Written, *, dry_run: bool) -> dict[str, Any]:
        """``web.shapes.ChangeBody``, with the places of its warnings."""
        proposal = written.proposal
        located = locate(proposal.problems, proposal.after.files.files)
        shown = msgspec.structs.replace(written, proposal=msgspec.structs.replace(proposal, problems=located))
        plan = follows(proposal, self.settings, self.remembered)
        change = change_body(Change(shown, plan, plan.generation), dry_run=dry_run)
        body: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(change))
        return body

    def served_elsewhere(self) -> bool:
        """Whether an operator holds this home, although none answers in the state directory."""
        path = operator_lock_path(self._runtime, self._id)
        try:
            if self._fs.stat(path) is None:
                return False
            held = self._fs.lock(path, exclusive=False)
        except OSError:
            return False
        if held is not None:
            held.release()
        return held is None

    def _present(self, files: HomeFiles) -> Judged:
        """What is held for writing now must be what was looked at before."""
        found = {file: source.data for file, source in files.files.items()}
        moved = [file for file, data in self._base.items() if found.get(file) != data]
        if moved:
            message = f"{', '.join(moved)}: changed meanwhile; nothing was written: look again and repeat it"
            raise Refusal("changeset.conflict", message)
        return self._intake.present(files)


def _told(severity: Severity, reason: str, message: str) -> None:
    """What an earlier writer left is news; the rest is said with the answer."""
    del severity
    if reason == "ChangeSetRolledForward":
        write_line(message, sys.stderr)
