"""``hal0ctl suspend``: hands off a slot, or eyes off the repository, until resumed."""

import argparse

from hal0_operator.cli.client import Client, slot_target, user_name
from hal0_operator.cli.options import Paths, Usage
from hal0_operator.cli.output import write_line


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("slot", metavar="SLOT", nargs="?", default="")
    parser.add_argument("--source", action="store_true", help="the repository that the home comes from")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for people; shown until resumed")


def run(args: argparse.Namespace, paths: Paths) -> int:
    if bool(args.slot) == args.source:
        raise Usage("suspend takes either a SLOT or --source")
    client, wish = Client(paths.socket), {"reason": args.reason, "by": user_name()}
    if args.source:
        client.post("/api/source/suspend", wish)
        write_line("the source is suspended: the repository is not looked at until hal0ctl resume --source")
        return 0
    client.post(f"{slot_target(args.slot)}/suspend", wish)
    write_line(f"{args.slot} is suspended: nothing starts, swaps or removes it until hal0ctl resume {args.slot}")
    return 0
