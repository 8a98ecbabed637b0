"""``hal0ctl rollback``: put an earlier revision into force, and hold it until resumed."""

import argparse

from hal0_operator.cli.client import Client, user_name
from hal0_operator.cli.options import Failed, Paths, Usage
from hal0_operator.cli.output import write_line
from hal0_operator.cli.sync import DEFAULT_TIMEOUT_S, amiss, decided, served


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("revision", metavar="REVISION", nargs="?", help="a kept commit (default: the one before)")
    parser.add_argument("--wait", action="store_true", help="return when the revision is served")


def run(args: argparse.Namespace, paths: Paths) -> int:
    """0: done; 1: there is no such revision, it is refused, or a slot did not become Ready."""
    if args.revision == "":
        raise Usage("REVISION is empty: name a kept commit, or leave it out for the one before")
    client = Client(paths.socket)
    wish = {"revision": args.revision or "", "by": user_name()}
    if not args.wait:
        write_line(client.post("/api/source/rollback", wish)["message"])
        return 0
    write_line(decided(client, "rollback", wish, DEFAULT_TIMEOUT_S))
    source = client.get("/api/source")
    # a remote that is gone or suspended takes nothing from a revision that is kept here
    if source["admitted"] != source["attempted"]:
        raise Failed(amiss(source) or f"{source['attempted'][:10]} is held and not in force yet")
    return served(client, source, DEFAULT_TIMEOUT_S)
