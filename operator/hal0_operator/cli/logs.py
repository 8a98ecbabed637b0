"""``hal0ctl logs``: what a slot's container printed."""

import argparse
import sys

from hal0_operator.cli.client import Client, slot_target
from hal0_operator.cli.options import Failed, Paths, Usage
from hal0_operator.cli.output import neutral
from hal0_operator.cli.parser import whole_number

MOST = 10_000


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("slot", metavar="SLOT")
    parser.add_argument("--previous", action="store_true", help="the last lines of the container that failed before")
    parser.add_argument("-f", "--follow", action="store_true", help="go on with each new line")
    parser.add_argument("-n", "--lines", metavar="N", type=whole_number(MOST), default=100, help="default 100")


def run(args: argparse.Namespace, paths: Paths) -> int:
    if args.previous and args.follow:
        raise Usage("--previous is the log of a container that ended: it cannot be followed")
    target = f"{slot_target(args.slot)}/logs?lines={args.lines}"
    client = Client(paths.socket)
    if not args.follow:
        for line in client.get(f"{target}&previous=1" if args.previous else target)["lines"]:
            _write(line)
        return 0
    for event, data in client.stream(target):
        if event == "error":
            raise Failed(str(data["message"]))
        _write(data)
        sys.stdout.flush()
    return 0


def _write(line: str) -> None:
    """A log is foreign text: tabs pass, everything else that moves a cursor is shown escaped."""
    sys.stdout.write("\t".join(map(neutral, line.split("\t"))) + "\n")
