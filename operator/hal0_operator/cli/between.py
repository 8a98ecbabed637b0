"""``hal0ctl plan --from A --to B``: what lies between two homes, told from their files alone."""

import os
import sys
from typing import Any

import msgspec

from hal0_operator.admission.fixpoint import admit
from hal0_operator.admission.verdict import Context
from hal0_operator.changes.judged import Judged
from hal0_operator.cli import change_text, inputs
from hal0_operator.cli.effects import between
from hal0_operator.cli.options import Failed, Paths
from hal0_operator.cli.output import neutral, write_line
from hal0_operator.cli.revisions import files_at
from hal0_operator.desired.assemble import assemble
from hal0_operator.desired.positions import locate
from hal0_operator.desired.source import HomeFiles
from hal0_operator.home.read import read_once
from hal0_operator.model.problem import Problem, errors, sort_key
from hal0_operator.model.settings import Settings
from hal0_operator.model.snapshot import Admitted
from hal0_operator.model.status import Plan

DIFFERENCES = 3


def run(before: str, after: str, form: str, paths: Paths) -> int:
    """0: nothing lies between them; 3: something does; 1: the second one would be refused.

    ``before`` and ``after`` are folders, or revisions of the checkout that the home lies in; an empty ``after`` is
    the home as it is.
    """
    settings = inputs.settings(paths)
    one, other = (_judged(_files(word, paths.home), settings) for word in (before, after or paths.home))
    found = between(one, other, settings)
    wrong = errors(sorted(locate(other.verdict.problems, other.files.files), key=sort_key))
    _write(found, wrong, form, (before, after or paths.home))
    if wrong:
        return 1
    return DIFFERENCES if found.actions else 0


def _files(word: str, home: str) -> HomeFiles:
    if not os.path.isdir(word):
        return files_at(home, word)
    files = read_once(inputs.files(), os.path.abspath(word))
    if files.busy:
        raise Failed(f"{word}: {files.busy}: try again")
    return files


def _judged(files: HomeFiles, settings: Settings) -> Judged:
    """As a cold start of a home that follows git, though not as a whole: what is right is compared all the same."""
    seeds = inputs.seeds()
    snapshot, _ = assemble(files, seeds)
    context = Context(seeds=seeds, settings=settings, cold=True, strict_overlay=True)
    return Judged(files, snapshot, admit(snapshot, None, context), Admitted(), context)


def _write(found: Plan, wrong: tuple[Problem, ...], form: str, names: tuple[str, str]) -> None:
    denied = [f"{problem.address}: {problem.code}: {problem.message}" for problem in wrong]
    body: dict[str, Any] = msgspec.to_builtins(found)
    if form == "json":
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(body | {"denied": denied}), indent=2).decode() + "\n")
    elif form == "markdown":
        sys.stdout.write("\n".join(markdown(body, denied, names)) + "\n")
    else:
        for line in change_text.actions({**body, "files": [True]}) or ["nothing to do"]:
            write_line(line)
    if form != "markdown":
        for line in denied:
            write_line(line, sys.stderr)


def markdown(body: dict[str, Any], denied: list[str], names: tuple[str, str]) -> list[str]:
    """For a merge request's comment or a job's summary."""
    lines = [f"### hal0ctl plan: {_code(names[0])} → {_code(names[1])}", ""]
    if denied:
        lines += ["**This revision is refused as a whole.**", "", *(f"- {_code(line)}" for line in denied), ""]
    rows = change_text.actions({**body, "files": [True]})
    if not rows:
        return [*lines, "No container is created, swapped or removed."]
    return [*lines, "```diff", *(_row(row) for row in rows), "```"]


def _row(row: str) -> str:
    """Colours of a diff: what comes, what goes, what is swapped."""
    sign = {"load": "+", "unload": "-", "swap": "!"}.get(row.partition(" ")[0], " ")
    return f"{sign} {neutral(row).replace('```', '` ` `')}"


def _code(text: str) -> str:
    return f"`{neutral(text).replace('`', chr(39))}`"
