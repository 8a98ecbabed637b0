"""``hal0ctl slot``: the slots' own files."""

import argparse
import sys

from hal0_operator.changes.wish import CreateSlot, DeleteSlot, EditSlot, Keys
from hal0_operator.cli import commands, wishing
from hal0_operator.cli.assignments import assigned, put
from hal0_operator.cli.options import Paths, Usage
from hal0_operator.cli.output import write_line
from hal0_operator.cli.parser import Parser, choice, whole_number
from hal0_operator.model.device import DEVICES
from hal0_operator.model.slot import SLOT_TYPES

OPTIONS = (
    ("device", ("device",)),
    ("profile", ("profile",)),
    ("model", ("model", "default")),
    ("type", ("type",)),
    ("port", ("port",)),
    ("context_size", ("model", "context_size")),
)
"""By option, the place of its key in a slot's file."""

BASICS = ("device", "profile", "model")
"""Without any of these there is nothing to make a slot of."""


def _key_arguments(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--device", type=choice("device", DEVICES), metavar="DEVICE", help=", ".join(DEVICES))
    parser.add_argument("--profile", metavar="NAME", help="how it runs; left out: the default of type and device")
    parser.add_argument("--model", metavar="MODEL", help="a file of the model store, or a name that the family knows")
    parser.add_argument("--type", type=choice("type", SLOT_TYPES), metavar="TYPE", help=", ".join(SLOT_TYPES))
    parser.add_argument("--port", type=whole_number(65535), metavar="N", help="on 127.0.0.1; left out: a free one")
    parser.add_argument("--context-size", type=whole_number(10**9), metavar="N", help="tokens")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="any other key, such as operator.suspend=true"
    )
    wishing.arguments(parser)


def _keys(args: argparse.Namespace) -> Keys:
    """The options and the assignments as the keys of a slot's file.  Raises ``Usage``."""
    keys = assigned(args.set)
    for option, path in OPTIONS:
        value = getattr(args, option)
        if value is not None:
            put(keys, path, value)
    return keys


def _create(args: argparse.Namespace, paths: Paths) -> int:
    keys = _keys(args)
    if not any(name in keys for name in BASICS):
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            options = ", ".join(f"--{name}" for name in BASICS)
            raise Usage(f"slot create {args.name} needs one of {options}: there is no terminal to ask on")
        from hal0_operator.cli.local import Local  # noqa: PLC0415 - only for who is asked
        from hal0_operator.cli.picking import Questions, picked  # noqa: PLC0415

        local = Local(paths)
        keys |= picked(args.name, keys, local.judged(), local.ports, Questions(sys.stdin, sys.stdout))
    return wishing.carry_out(CreateSlot(args.name, keys), args, paths)


def _edit_arguments(parser: Parser) -> None:
    _key_arguments(parser)
    parser.add_argument("--enable", action="store_true", help="switch it on")
    parser.add_argument("--disable", action="store_true", help="switch it off")


def _edit(args: argparse.Namespace, paths: Paths) -> int:
    if args.enable and args.disable:
        raise Usage("--enable or --disable, not both")
    keys = _keys(args)
    if args.enable or args.disable:
        put(keys, ("enabled",), args.enable)
    if keys:
        return wishing.carry_out(EditSlot(args.name, keys), args, paths)
    from hal0_operator.changes.slots import file_of  # noqa: PLC0415 - only for an editor
    from hal0_operator.cli import replacing  # noqa: PLC0415
    from hal0_operator.cli.local import Local  # noqa: PLC0415

    local = Local(paths)
    file = file_of(local.judged(), args.name)
    if file is None:
        raise wishing.refused(local, EditSlot(args.name, {}))
    return replacing.in_editor(file, args, paths)


def _delete_arguments(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask on a terminal")
    wishing.arguments(parser)


def _delete(args: argparse.Namespace, paths: Paths) -> int:
    ask = sys.stdin.isatty() and sys.stdout.isatty() and not (args.yes or args.dry_run)
    from hal0_operator.cli.picking import Questions  # noqa: PLC0415 - only for who is asked

    if ask and not Questions(sys.stdin, sys.stdout).agreed(f"delete slot {args.name} and its container?"):
        write_line("nothing was changed", sys.stderr)
        return 1
    return wishing.carry_out(DeleteSlot(args.name), args, paths)


COMMANDS = (
    commands.Command("create", "write a new slot's file; asks on a terminal", _key_arguments, _create),
    commands.Command("edit", "change a slot's keys, or its file in your editor", _edit_arguments, _edit),
    commands.Command("delete", "delete a slot's file, and with it its container", _delete_arguments, _delete),
)


def arguments(parser: Parser) -> None:
    commands.add_commands(parser, COMMANDS)


def run(args: argparse.Namespace, paths: Paths) -> int:
    return commands.perform(args, paths, COMMANDS)
