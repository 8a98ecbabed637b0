"""``hal0ctl events``: what happened lately."""

import argparse

from hal0_operator.cli import get
from hal0_operator.cli.options import Paths
from hal0_operator.cli.parser import choice

TAIL = 1000
"""As many as the operator keeps."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="SLOT", nargs="?", default="", help="events of this slot only")
    parser.add_argument("-f", "--follow", action="store_true", help="go on with each new event")
    parser.add_argument("-o", "--output", type=choice("form", ("json",)), help="json")


def run(args: argparse.Namespace, paths: Paths) -> int:
    if args.follow:
        return get.follow_events(paths, args.name, args.output == "json", TAIL)
    args.kind, args.watch = "events", False
    return get.run(args, paths)
