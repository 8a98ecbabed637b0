"""``hal0ctl capability``: what serves embeddings, speech and images; both files of each at once."""

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hal0_operator.changes.wish import Keys, SetCapability
from hal0_operator.cli import commands, wishing
from hal0_operator.cli.options import Failed, Paths, Usage
from hal0_operator.cli.output import write_line
from hal0_operator.cli.parser import Parser, choice
from hal0_operator.cli.problems import human
from hal0_operator.desired.names import OVERLAY_FILE, SLOTS_FOLDER
from hal0_operator.model.capability import CHILDREN
from hal0_operator.model.device import DEVICES
from hal0_operator.model.problem import Problem, errors

if TYPE_CHECKING:
    from hal0_operator.changes.judged import Judged


def _set_arguments(parser: Parser) -> None:
    parser.add_argument("child", metavar="GROUP.CHILD", type=choice("capability", CHILDREN), help=", ".join(CHILDREN))
    parser.add_argument("--on", action="store_true", help="switch it on; its slot's file is written if there is none")
    parser.add_argument("--off", action="store_true", help="switch it off")
    parser.add_argument("--device", type=choice("device", DEVICES), metavar="DEVICE", help=", ".join(DEVICES))
    parser.add_argument("--model", metavar="MODEL", help="a file of the model store, or a name that the family knows")
    parser.add_argument("--provider", metavar="NAME", help="hal0's word for the runtime; the profile decides")
    wishing.arguments(parser)


def _set(args: argparse.Namespace, paths: Paths) -> int:
    if args.on and args.off:
        raise Usage("--on or --off, not both")
    keys: Keys = {"enabled": args.on} if args.on or args.off else {}
    keys |= {key: value for key in ("device", "model", "provider") if (value := getattr(args, key)) is not None}
    if not keys:
        raise Usage(f"nothing is asked of {args.child}: name --on, --off, --device, --model or --provider")
    return wishing.carry_out(SetCapability(args.child, keys), args, paths)


def _list_arguments(parser: Parser) -> None:
    parser.add_argument("-o", "--output", type=choice("form", ("json",)), help="json")


def _list(args: argparse.Namespace, paths: Paths) -> int:
    client = wishing.operator_of(paths)
    if client is None:
        sys.stderr.write("no operator runs: read from the home's files\n")
    from hal0_operator.cli.get import show  # noqa: PLC0415 - `set` need not know it

    show("capabilities", client.get("/api/capabilities") if client is not None else _declared(paths), args.output)
    return 0


def _declared(paths: Paths) -> dict[str, Any]:
    """``/api/capabilities`` as the files have it: nothing has a phase."""
    from hal0_operator.changes.capabilities import slot_of  # noqa: PLC0415 - only without an operator
    from hal0_operator.cli.local import Local  # noqa: PLC0415

    now = Local(paths).judged()
    found: dict[str, dict[str, Any]] = {}
    for child in CHILDREN.values():
        chosen, name = now.snapshot.selections.get(child.dotted), slot_of(child, now)
        said = now.verdict.slots.get(name) or chosen
        found.setdefault(child.group, {})[child.name] = {
            "enabled": bool(said and said.enabled),
            "device": said.device if said is not None else None,
            "model": said.model if said is not None else None,
            "provider": chosen.provider if chosen is not None else None,
            "slot": name,
            "phase": None,
        }
    return {"selections": found}


def _sync_arguments(parser: Parser) -> None:
    parser.add_argument("positional_home", metavar="HOME", nargs="?", help="the home, as with --home")
    parser.add_argument("--dry-run", action="store_true", help="show what would be written, and do nothing")
    parser.add_argument("-o", "--output", type=choice("form", ("json",)), help="json")


def _sync(args: argparse.Namespace, paths: Paths) -> int:
    """0: the files agree; 1: they cannot be made to, or it was not written."""
    from hal0_operator.cli.local import Local  # noqa: PLC0415 - only without an operator

    local = Local(paths, cold=True)
    if wishing.operator_of(paths) is not None or local.served_elsewhere():
        raise Failed("an operator runs for this home: it carries changes from one file to the other by itself")
    with wishing.refusals():
        written = local.complete(dry_run=args.dry_run)
    body = local.body(written, dry_run=args.dry_run) | {"actions": [], "held": []}
    code = wishing.finish(body, args, None, told="")
    left = list(_left(written.proposal.after, paths))
    for problem in left:
        for line in human(problem, None):
            write_line(line, sys.stderr)
    return 1 if left else code


def _left(now: "Judged", paths: Paths) -> Iterator[Problem]:
    """Why files do not agree still: what is wrong with the overlay, or with a slot that serves a capability."""
    from hal0_operator.changes.capabilities import slot_of  # noqa: PLC0415 - only without an operator
    from hal0_operator.cli import validate  # noqa: PLC0415

    serving = {f"{SLOTS_FOLDER}/{slot_of(child, now)}.toml" for child in CHILDREN.values()}
    for problem in errors(validate.check(now.files, paths, strict=True).problems):
        if problem.file in (OVERLAY_FILE, *serving):
            yield problem


COMMANDS = (
    commands.Command("set", "switch one on or off, or give it a device or a model", _set_arguments, _set),
    commands.Command("list", "show every capability, as get capabilities does", _list_arguments, _list),
    commands.Command("sync", "write what one file says into the other, without an operator", _sync_arguments, _sync),
)


def arguments(parser: Parser) -> None:
    commands.add_commands(parser, COMMANDS)


def run(args: argparse.Namespace, paths: Paths) -> int:
    return commands.perform(args, paths, COMMANDS)
