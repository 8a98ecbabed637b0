"""A whole file of the home, as it came out of an editor: judged, written by this process, waited for."""

import argparse
import sys
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from hal0_operator.changes.refusal import Refusal
from hal0_operator.changes.wish import ReplaceFiles
from hal0_operator.cli import wishing
from hal0_operator.cli.client import Client
from hal0_operator.cli.editing import Edited, edit
from hal0_operator.cli.local import Local
from hal0_operator.cli.options import Failed, Paths
from hal0_operator.cli.output import write_line
from hal0_operator.desired.names import slot_stem
from hal0_operator.desired.positions import locate
from hal0_operator.desired.source import SourceFile
from hal0_operator.model.problem import KeyPath, Position, Problem, errors


class _Judging(NamedTuple):
    """A new content for one file, held against the home as it is.  ``subject`` is the part that is edited."""

    local: Local
    file: str
    subject: KeyPath

    def faults(self, data: bytes, above: int) -> Sequence[str]:
        """A line for each error; ``above`` lines stand on top of the text that a person sees."""
        try:
            found = self.local.change(ReplaceFiles({self.file: data}), wishing.asker(), dry_run=True).proposal
        except Refusal as refused:
            problems = refused.problems or (Problem(code=refused.code, message=str(refused), file=self.file),)
        else:
            # What was wrong before is no news to a change set, but here it is what is being edited.
            problems = tuple(p for p in errors(found.after.verdict.problems) if self._is_about(p))
        located = locate(problems, {self.file: SourceFile(self.file, data)})
        return [_line(_moved(problem, above if problem.file == self.file else 0)) for problem in located]

    def _is_about(self, problem: Problem) -> bool:
        return problem.file == self.file and problem.path[: len(self.subject)] in ((), self.subject)


def in_editor(file: str, args: argparse.Namespace, paths: Paths, subject: KeyPath = ()) -> int:
    """Let a person edit one file, for the sake of its table ``subject`` or of all that is in it.

    The loop, where one runs, sees the change as it sees every hand edit.
    """
    client, local = wishing.operator_of(paths), Local(paths)
    now = local.judged()
    source = now.files.files.get(file)
    if source is not None and source.refused:
        raise Failed(f"{file} {source.refused}")
    content = now.content(file)
    edited = edit(file, content or b"", _Judging(local, file, subject).faults)
    if edited.content is None:
        return _given_up(edited)
    try:
        wish = ReplaceFiles({file: edited.content})
        body = wishing.done_here(local, wish, dry_run=args.dry_run, base={file: content})
    except Failed as refused:
        raise Failed(f"{refused}\nyour text is kept in {edited.path}") from refused
    edited.discard()
    return wishing.finish(body, args, client, _touched(body, client), told=wishing.unattended(local))


def _given_up(edited: Edited) -> int:
    """1 when a faulty text was left as it was; it is kept."""
    if not edited.faults:
        edited.discard()
        write_line("nothing to change", sys.stderr)
        return 0
    for line in edited.faults:
        write_line(line, sys.stderr)
    write_line(f"given up, nothing was changed; your text is kept in {edited.path}", sys.stderr)
    return 1


def _touched(body: wishing.Body, client: Client | None) -> set[str]:
    """The slots whose files or containers change."""
    if client is None:
        return set()
    files = {stem for file in body["files"] if (stem := slot_stem(file["file"])) is not None}
    return files | {action["slot"] for action in body["actions"]}


def _moved(problem: Problem, above: int) -> Problem:
    if problem.at is None:
        return problem
    return msgspec.structs.replace(problem, at=Position(problem.at.line + above, problem.at.column))


def _line(problem: Problem) -> str:
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"{problem.address}: {problem.code}: {problem.message}{hint}"
