"""Verbs with commands of their own: ``hal0ctl slot create``."""

import argparse
from collections.abc import Callable, Sequence
from typing import NamedTuple

from hal0_operator.cli.options import Paths, Usage, add_shared
from hal0_operator.cli.parser import Parser


class Command(NamedTuple):
    """``arguments`` adds the command's own; ``perform`` answers the exit code."""

    name: str
    summary: str
    arguments: Callable[[Parser], None]
    perform: Callable[[argparse.Namespace, Paths], int]


def add_commands(parser: Parser, commands: Sequence[Command]) -> None:
    """Each command takes the shared options too, so that they may stand at the end of the line."""
    below = parser.add_subparsers(metavar="COMMAND", title="commands", prog=parser.prog)
    for command in commands:
        summary = f"{command.summary[:1].upper()}{command.summary[1:]}."
        own = below.add_parser(command.name, help=command.summary, description=summary)
        command.arguments(own)
        add_shared(own)
        own.set_defaults(perform=command.perform)
        parser.commands.append(command.name)
        parser.words += [word for word in own.words if word not in parser.words]
    parser.set_defaults(perform=None)


def perform(args: argparse.Namespace, paths: Paths, commands: Sequence[Command]) -> int:
    """Run the command that was named.  Raises ``Usage`` when none was."""
    if args.perform is None:
        raise Usage(f"name a command: {', '.join(command.name for command in commands)}")
    code: int = args.perform(args, paths)
    return code
