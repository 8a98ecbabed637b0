"""``hal0ctl describe``: everything about one slot."""

import argparse
import json
import sys
from typing import Any

from hal0_operator.cli import render
from hal0_operator.cli.client import Client, slot_target
from hal0_operator.cli.options import Paths
from hal0_operator.cli.output import table
from hal0_operator.cli.parser import choice
from hal0_operator.cli.problems import human_line
from hal0_operator.cli.screen import Screen

FACTS = (
    ("Phase", "phase"),
    ("Waits for", "blockedOn"),
    ("Type", "type"),
    ("Device", "device"),
    ("Backend", "backend"),
    ("Profile", "profile"),
    ("Model", "model"),
    ("Port", "port"),
    ("Enabled", "enabled"),
    ("Suspended by", "suspendedBy"),
    ("Generation", "generation"),
    ("Observed", "observedGeneration"),
    ("Restarts", "restarts"),
    ("Next retry", "nextRetryAt"),
    ("Last exit", "lastExit"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("slot", metavar="SLOT")
    parser.add_argument("-o", "--output", type=choice("form", ("json",)), help="json")


def run(args: argparse.Namespace, paths: Paths) -> int:
    body = Client(paths.socket).get(slot_target(args.slot))
    if args.output == "json":
        sys.stdout.write(json.dumps(body, indent=2) + "\n")
    else:
        Screen(sys.stdout).write(text(body))
    return 0


def text(body: Any) -> list[str]:
    """The whole description, section by section; empty ones are left out."""
    lines = [f"Name:          {body['name']}"]
    lines += [f"{title + ':':14} {render.text(body[key])}" for title, key in FACTS if body.get(key) not in (None, "")]
    container = body.get("container")
    if container:
        lines.append(f"{'Container:':14} {container['name']} {container['id'][:12]} of {container['image']}")
        if container.get("startedAt"):
            lines.append(f"{'Started:':14} {container['startedAt']}")
    sections = (
        ("Conditions", render.conditions(body.get("conditions", []))),
        ("Pending change", [f"{d['field']}: {d['from'] or '-'} → {d['to'] or '-'}" for d in body.get("diff", [])]),
        ("Command line", _provenance(body.get("argv", []))),
        ("Problems", [line for p in body.get("problems", []) for line in human_line(p)]),
        ("Last lines before it ended", body.get("lastExitLines", [])),
        ("Events", render.events(body["events"]) if body.get("events") else []),
    )
    for title, content in sections:
        if content:
            lines += ["", f"{title}:", *(f"  {line}" for line in content)]
    return lines


def _provenance(argv: list[Any]) -> list[str]:
    if not argv:
        return []
    return table([[flag["token"], flag["from"]] for flag in argv], ("FLAG", "FROM"))
