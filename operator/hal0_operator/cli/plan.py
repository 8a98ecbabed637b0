"""``hal0ctl plan``: what would be done now, and what is held."""

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from hal0_operator.cli.client import Client, NoOperator
from hal0_operator.cli.options import Paths, Usage
from hal0_operator.cli.output import write_line
from hal0_operator.cli.parser import choice

if TYPE_CHECKING:
    from hal0_operator.model.problem import Problem

DIFFERENCES = 3
FORMS = ("human", "json", "markdown")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from",
        dest="before",
        metavar="A",
        help="a revision, or a folder as a path (./a): what lies between it and --to, without Podman",
    )
    parser.add_argument("--to", dest="after", metavar="B", help="another one (default: the home as it is)")
    parser.add_argument("-o", "--output", type=choice("form", FORMS), default="human", help=", ".join(FORMS))


def run(args: argparse.Namespace, paths: Paths) -> int:
    """0: nothing to do; 3: something is, or is held; 1: an object is denied, or Podman is away."""
    if args.before is not None:
        from hal0_operator.cli import between  # noqa: PLC0415 - judges whole homes

        return between.run(args.before, args.after, args.output, paths)
    if args.after is not None or args.output == "markdown":
        raise Usage("--to and -o markdown go with --from")
    body, denied = _ask(paths)
    if args.output == "json":
        sys.stdout.write(json.dumps(body, indent=2) + "\n")
    else:
        for line in text(body):
            write_line(line)
    for line in denied:
        write_line(line, sys.stderr)
    if denied:
        return 1
    return DIFFERENCES if body["actions"] or body["held"] else 0


def _ask(paths: Paths) -> tuple[Any, list[str]]:
    """The plan and the denials, from the running operator or from a look of our own."""
    try:
        client = Client(paths.socket)
        client.post("/api/reconcile?wait=1")
        body = client.get("/api/plan")
        problems = client.get("/api/source").get("problems", [])
        return body, [_line(p) for p in problems if p["severity"] == "error"]
    except NoOperator:
        import msgspec  # noqa: PLC0415 - only without an operator

        from hal0_operator.cli.offline import plan_of  # noqa: PLC0415
        from hal0_operator.model.problem import errors  # noqa: PLC0415

        found, admission = plan_of(paths)
        return msgspec.to_builtins(found), [_told(p) for p in errors(admission.problems)]


def text(body: Any) -> list[str]:
    """One line per action, its diff below it; then what is held."""
    lines = []
    for action in body["actions"]:
        lines.append(f"{action['verb']} {action['slot']}: {action['reason']}")
        lines += [f"    {d['field']}: {d['from']} → {d['to']}" for d in action["diff"]]
    lines += [f"held {held['slot']}: {held['reason']}: {held['message']}" for held in body["held"]]
    return lines or ["nothing to do"]


def _line(problem: Any) -> str:
    return f"{problem['file']}:{problem['line']}:{problem['column']}: {problem['code']}: {problem['message']}"


def _told(problem: "Problem") -> str:
    return f"{problem.address}: {problem.code}: {problem.message}"
