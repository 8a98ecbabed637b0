"""``hal0ctl restart``: recreate containers of unchanged inputs."""

import argparse

from hal0_operator.cli.client import Client, slot_target
from hal0_operator.cli.options import Paths, Usage
from hal0_operator.cli.output import write_line


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("slot", metavar="SLOT", nargs="?", default="")
    parser.add_argument("--pull", action="store_true", help="fetch the image first, so that a moved tag is followed")
    parser.add_argument("--outdated", action="store_true", help="every slot whose condition is Outdated")


def run(args: argparse.Namespace, paths: Paths) -> int:
    if bool(args.slot) == args.outdated:
        raise Usage("restart takes either a SLOT or --outdated")
    if args.pull and args.outdated:
        raise Usage("--pull goes with one SLOT")
    client = Client(paths.socket)
    if args.outdated:
        slots = client.post("/api/restart", {"outdated": True})["slots"]
        write_line(f"restarting {', '.join(slots)}" if slots else "nothing is outdated")
        return 0
    message = client.post(f"{slot_target(args.slot)}/restart", {"pull": args.pull})["message"]
    write_line(message or f"{args.slot} restarts; hal0ctl get slots -w shows it")
    return 0
