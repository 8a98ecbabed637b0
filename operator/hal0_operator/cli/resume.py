"""``hal0ctl resume``: end a suspension, follow the repository again, or approve a held removal."""

import argparse

from hal0_operator.cli.client import Client, slot_target
from hal0_operator.cli.options import Paths, Usage
from hal0_operator.cli.output import write_line


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("slot", metavar="SLOT", nargs="?", default="")
    parser.add_argument("--source", action="store_true", help="follow the repository again, also after a rollback")
    parser.add_argument("--prune", action="store_true", help="approve the removals that the prune guard holds now")


def run(args: argparse.Namespace, paths: Paths) -> int:
    if [bool(args.slot), args.prune, args.source].count(True) != 1:
        raise Usage("resume takes one of a SLOT, --source and --prune")
    client = Client(paths.socket)
    if args.prune:
        write_line(client.post("/api/prune/approve")["message"] or "approved")
        return 0
    if args.source:
        write_line(client.post("/api/source/resume")["message"] or "the source is followed again")
        return 0
    message = client.post(f"{slot_target(args.slot)}/resume")["message"]
    write_line(message or f"{args.slot} is resumed")
    return 1 if message else 0
