"""``hal0ctl rollback``: put an earlier revision into force, and hold it until resumed."""

import argparse

from hal0_operator.cli.client import Client, user_name
from hal0_operator.cli.options import Paths
from hal0_operator.cli.output import write_line
from hal0_operator.cli.sync import DEFAULT_TIMEOUT_S, awaited


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "revision", metavar="REVISION", nargs="?", default="", help="a kept commit (default: the one before)"
    )
    parser.add_argument("--wait", action="store_true", help="return when the revision is served")


def run(args: argparse.Namespace, paths: Paths) -> int:
    client = Client(paths.socket)
    write_line(client.post("/api/source/rollback", {"revision": args.revision, "by": user_name()})["message"])
    return awaited(client, DEFAULT_TIMEOUT_S) if args.wait else 0
