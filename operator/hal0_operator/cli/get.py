"""``hal0ctl get``: lists, once or as they change."""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from hal0_operator.cli import render
from hal0_operator.cli.client import Client, NoOperator
from hal0_operator.cli.options import Failed, Paths, Usage
from hal0_operator.cli.output import did_you_mean
from hal0_operator.cli.parser import choice
from hal0_operator.cli.screen import Screen

KINDS = ("slots", "profiles", "source", "capabilities", "events")
FORMS = ("wide", "json", "name")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", metavar="KIND", type=choice("kind", KINDS), help=", ".join(KINDS))
    parser.add_argument("name", metavar="NAME", nargs="?", default="", help="one slot or profile, or one slot's events")
    parser.add_argument("-w", "--watch", action="store_true", help="follow changes (slots and events)")
    parser.add_argument("-o", "--output", type=choice("form", FORMS), help=", ".join(FORMS))


def run(args: argparse.Namespace, paths: Paths) -> int:
    if args.output == "name" and args.kind not in ("slots", "profiles"):
        raise Usage("-o name is for slots and profiles")
    if args.name and args.kind in ("source", "capabilities"):
        raise Usage(f"get {args.kind} takes no name")
    if not args.watch:
        body = _read(args.kind, args.name, paths)
        show(args.kind, body, args.output)
        return 0
    if args.kind == "events":
        return follow_events(paths, args.name, args.output == "json", tail=0)
    if args.kind != "slots":
        raise Usage("-w follows slots and events only")
    return _watch(paths, args.name, args.output)


def _read(kind: str, name: str, paths: Paths) -> Any:
    """The body of one kind, from the operator or, without one, from the machine itself."""
    try:
        body = Client(paths.socket).get(f"/api/{kind}")
    except NoOperator:
        if kind != "slots":
            raise
        from hal0_operator.cli import offline  # noqa: PLC0415 - loads Podman's library

        sys.stderr.write("no operator runs: read from Podman and the last admitted state\n")
        body = offline.slots(paths)
    if not name:
        return body
    if kind == "events":
        return {"items": [event for event in body["items"] if event["slot"] == name]}
    return {"items": [_named(kind, name, body["items"])]}


def _named(kind: str, name: str, items: list[Any]) -> Any:
    found = [item for item in items if item["name"] == name]
    if not found:
        raise Failed(f"no {kind.removesuffix('s')} {name!r}{did_you_mean(name, [item['name'] for item in items])}")
    return found[0]


def lines_of(kind: str, body: Any, wide: bool) -> list[str]:
    match kind:
        case "slots":
            return render.slots(body["items"], wide)
        case "profiles":
            return render.profiles(body["items"], wide)
        case "events":
            return render.events(body["items"])
        case "capabilities":
            return render.capabilities(body)
        case _:
            return render.source(body)


def show(kind: str, body: Any, form: str | None) -> None:
    """A body in one of ``FORMS``, or as a table."""
    if form == "json":
        sys.stdout.write(json.dumps(body, indent=2) + "\n")
    elif form == "name":
        sys.stdout.writelines(f"{item['name']}\n" for item in body["items"])
    elif kind in ("slots", "profiles", "events") and not body["items"]:
        sys.stderr.write(f"no {kind}\n")
    else:
        Screen(sys.stdout).write(lines_of(kind, body, form == "wide"))


def _watch(paths: Paths, name: str, form: str | None) -> int:
    """Repaint on a terminal; in a pipe write one complete line, or JSON object, per change."""
    screen = Screen(sys.stdout)
    repaint = screen.terminal and form in (None, "wide")
    if not repaint and form in (None, "wide"):
        screen.write(["  ".join(render.SLOT_WIDE if form == "wide" else render.SLOT_COLUMNS)])
    seen = False
    for everything, changed in _states(Client(paths.socket).stream("/api/watch")):
        if name and not seen:
            _named("slots", name, list(everything.values()))
        seen = True
        if repaint:
            shown = [slot for slot in everything.values() if name in ("", slot["name"])]
            screen.repaint(render.slots(shown, form == "wide"))
            continue
        for slot in changed:
            if name in ("", slot["name"]):
                screen.write([_one_line(slot, form)])
    raise Failed("the operator ended the stream")


def _one_line(slot: Any, form: str | None) -> str:
    if form == "json":
        return json.dumps(slot)
    if form == "name":
        return str(slot["name"])
    if "phase" not in slot:
        return f"{slot['name']}  Removed"
    return "  ".join(cell or "-" for cell in render.slot_row(slot, form == "wide"))


def _states(stream: Iterator[tuple[str, Any]]) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """After each message: every slot by name, and those that changed (``{"name"}`` alone: gone)."""
    slots: dict[str, Any] = {}
    for event, data in stream:
        if event == "slots":
            slots = {slot["name"]: slot for slot in data["items"]}
            yield slots, list(slots.values())
        elif event == "slot":
            slots[data["name"]] = data
            yield dict(sorted(slots.items())), [data]
        elif event == "gone":
            slots.pop(data["name"], None)
            yield dict(sorted(slots.items())), [data]


def follow_events(paths: Paths, slot: str, as_json: bool, tail: int) -> int:
    """Write one line per event until the stream ends (exit 1) or a person ends it."""
    screen = Screen(sys.stdout)
    for _, event in Client(paths.socket).stream(f"/api/events?tail={tail}"):
        if slot in ("", event["slot"]):
            screen.write([json.dumps(event) if as_json else "  ".join(c or "-" for c in render.event_row(event))])
    raise Failed("the operator ended the stream")
