"""What a wish came to, for people: the diff, what follows, and what is left to do."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from hal0_operator.cli.output import DIFF_COLOURS, colourful, neutral, paint, write_line
from hal0_operator.cli.problems import human_line

Body = Mapping[str, Any]
"""``web.shapes.ChangeBody`` as decoded JSON."""


def show(body: Body) -> None:
    """Files and actions on stdout; what a person has to know or to do on stderr."""
    if not body["files"]:
        write_line("nothing to change")
    show_diff(body)
    for line in actions(body):
        write_line(line)
    notes(body)


def show_diff(body: Body) -> None:
    colour = colourful(sys.stdout)
    for file in body["files"]:
        rows = file["diff"].split("\n")
        sys.stdout.writelines(f"{paint(neutral(row), DIFF_COLOURS.get(row[:1], ''), colour)}\n" for row in rows if row)


def actions(body: Body) -> list[str]:
    """A line per slot, with what a swap changes, then what is held."""
    if not body["files"]:
        return []
    by_slot: dict[str, list[Any]] = {}
    for action in body["actions"]:
        by_slot.setdefault(action["slot"], []).append(action)
    swaps = sum(_verb(found) == "swap" for found in by_slot.values())
    lines = [line for slot, found in by_slot.items() for line in _of_slot(slot, found)]
    if swaps > 1:
        lines.append(f"{swaps} slots are swapped; of those that share a profile one at a time")
    return lines + [f"held {held['slot']}: {held['reason']}: {held['message']}" for held in body["held"]]


def _of_slot(slot: str, found: Sequence[Any]) -> list[str]:
    lines = [f"pull: {action['reason']}" for action in found if action["verb"] == "pull"]
    verb = _verb(found)
    if verb:
        lines.append(f"{verb} {slot}")
        rows = [d for action in found for d in action["diff"]]
        lines += [f"    {d['field']}: {d['from'] or 'nothing'} → {d['to'] or 'nothing'}" for d in rows]
    return lines


def _verb(found: Sequence[Any]) -> str:
    """The steps that the loop takes for one slot, as one word."""
    verbs = {action["verb"] for action in found}
    if "remove" in verbs:
        return "swap" if "create" in verbs or any(action["diff"] for action in found) else "unload"
    if "create" in verbs:
        return "load"
    return " and ".join(sorted(verbs - {"pull"}))


def notes(body: Body) -> None:
    """Warnings, and what could not be written; on stderr."""
    lines = [line for problem in body["problems"] for line in human_line(problem)]
    lines += [f"by hand: {line}" for line in body["byHand"]]
    lines += [
        f"{file} was saved meanwhile: the newer save was kept; repeat it if you still want it" for file in kept(body)
    ]
    lines += [body["unfinished"]] if body["unfinished"] else []
    for line in lines:
        write_line(line, sys.stderr)


def kept(body: Body) -> Sequence[str]:
    """Files that hold somebody else's newer save instead."""
    files: Sequence[str] = body["overlaid"]
    return files


def to_commit(message: str, files: Sequence[Mapping[str, Any]]) -> str:
    """Why nothing was written, and the diff to commit instead."""
    return "\n".join([f"gitops.read_only: {message}", *(file["diff"] for file in files)])


def refusal(code: str, message: str, problems: Sequence[Mapping[str, Any]]) -> str:
    """Why not, and the place of each problem: its address, or the path of its key."""
    if len(problems) == 1 and problems[0]["message"] in message:
        return f"{code}: {message}\n  at {_place(problems[0])}"
    repeats = bool(problems) and problems[0]["message"] in message
    lines = [f"nothing was written: {len(problems)} problems" if repeats else f"{code}: {message}"]
    for problem in problems:
        lines.append(f"  {_place(problem)}: {problem['code']}: {problem['message']}")
        lines += [f"    hint: {problem['hint']}"] if problem["hint"] else []
    return "\n".join(lines)


def _place(problem: Mapping[str, Any]) -> str:
    address = ":".join(str(problem[key]) for key in ("file", "line", "column") if problem.get(key) not in (None, ""))
    return ", ".join(part for part in (address, problem["path"]) if part) or "home"
