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
from hal0_operator.cli.options import Failed, Paths, Usage
from hal0_operator.cli.output import neutral, write_line
from hal0_operator.cli.revisions import Unfit, home_at
from hal0_operator.desired.assemble import assemble
from hal0_operator.desired.positions import locate
from hal0_operator.desired.source import HomeFiles
from hal0_operator.home.read import read_once
from hal0_operator.model.problem import errors, sort_key
from hal0_operator.model.settings import Settings
from hal0_operator.model.snapshot import Admitted
from hal0_operator.model.status import HeldSlot, Plan
from hal0_operator.reconcile.prune import guard

DIFFERENCES = 3


def run(before: str, after: str | None, form: str, paths: Paths) -> int:
    """0: nothing lies between them; 3: something does, or is held; 1: the second one would be refused.

    ``before`` and ``after`` are folders, or revisions of the checkout that the home lies in; without ``after`` it is
    the home as it is.
    """
    if not before or after == "":
        raise Usage("--from and --to name a folder or a revision, and one of them is empty")
    names = (before, paths.home if after is None else after)
    settings = inputs.settings(paths)
    one = _judged(_files(names[0], paths.home), settings)
    try:
        other = _judged(_files(names[1], paths.home), settings)
    except Unfit as unfit:
        found, denied = Plan(one.snapshot.digest, ()), [str(unfit)]
    else:
        wrong = errors(sorted(locate(other.verdict.problems, other.files.files), key=sort_key))
        denied = [f"{problem.address}: {problem.code}: {problem.message}" for problem in wrong]
        found = Plan(other.snapshot.digest) if denied else _held(one, other, between(one, other, settings))
    _write(found, denied, form, names)
    if denied:
        return 1
    return DIFFERENCES if found.actions or found.held else 0


def _files(word: str, home: str) -> HomeFiles:
    """A folder is only what is written as a path.

    A folder is part of what is looked at: whoever may add one called `main` could else say what `main` is.
    """
    if _is_path(word):
        return _folder(word)
    files, warnings = home_at(home, word)
    if os.path.isdir(word):
        write_line(f"{word} is read as a revision; the folder of that name is ./{word}", sys.stderr)
    for warning in warnings:
        write_line(f"{word}: {warning}", sys.stderr)
    return files


def _is_path(word: str) -> bool:
    return word in (".", "..") or word.startswith(("/", "./", "../"))


def _folder(path: str) -> HomeFiles:
    if not os.path.isdir(path):
        raise Failed(f"{path}: there is no such folder")
    files = read_once(inputs.files(), os.path.abspath(path))
    if files.busy:
        raise Failed(f"{path}: {files.busy}: try again")
    return files


def _judged(files: HomeFiles, settings: Settings) -> Judged:
    """As a cold start of a home that follows git, though not as a whole: what is right is compared all the same."""
    seeds = inputs.seeds()
    snapshot, _ = assemble(files, seeds)
    context = Context(seeds=seeds, settings=settings, cold=True, strict_overlay=True)
    return Judged(files, snapshot, admit(snapshot, None, context), Admitted(), context)


def _held(one: Judged, other: Judged, found: Plan) -> Plan:
    """What the prune guard makes of it: a revision whose removals are held comes into force in no part."""
    there = (name for name, slot in one.verdict.admitted.slots.items() if slot.enabled is not False)
    pruning = guard(there, other.snapshot.slots, slots_folder=other.snapshot.slots_folder)
    if not pruning.slots:
        return found
    waits = f"waits for the revision, whose removals are held: {', '.join(sorted(pruning.slots))}"
    why = dict.fromkeys((action.slot for action in found.actions), waits) | dict.fromkeys(pruning.slots, pruning.why)
    return Plan(found.generation, (), tuple(HeldSlot(name, "PruneHeld", why[name]) for name in sorted(why)))


def _write(found: Plan, denied: list[str], form: str, names: tuple[str, str]) -> None:
    body: dict[str, Any] = msgspec.to_builtins(found)
    if form == "json":
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(body | {"denied": denied}), indent=2).decode() + "\n")
    elif form == "markdown":
        sys.stdout.write("\n".join(markdown(body, denied, names)) + "\n")
    else:
        for line in change_text.actions({**body, "files": [True]}) or ([] if denied else ["nothing to do"]):
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
    if not rows and denied:
        return lines[:-1]
    if not rows:
        return [*lines, "No container is created, swapped or removed."]
    if body["held"]:
        lines += ["**Its removals are held, and all of it with them, until a person approves.**", ""]
    return [*lines, "```diff", *(_row(row) for row in rows), "```"]


def _row(row: str) -> str:
    """Colours of a diff: what comes, what goes, what is swapped."""
    sign = {"load": "+", "unload": "-", "swap": "!"}.get(row.partition(" ")[0], " ")
    return f"{sign} {neutral(row).replace('```', '` ` `')}"


def _code(text: str) -> str:
    return f"`{neutral(text).replace('`', chr(39))}`"
