"""``hal0ctl suspend``: hands off a slot, until resumed."""

import argparse

from hal0_operator.cli.client import Client, slot_target, user_name
from hal0_operator.cli.options import Paths
from hal0_operator.cli.output import write_line


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("slot", metavar="SLOT")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for people; shown until resumed")


def run(args: argparse.Namespace, paths: Paths) -> int:
    wish = {"reason": args.reason, "by": user_name()}
    Client(paths.socket).post(f"{slot_target(args.slot)}/suspend", wish)
    write_line(f"{args.slot} is suspended: nothing starts, swaps or removes it until hal0ctl resume {args.slot}")
    return 0
