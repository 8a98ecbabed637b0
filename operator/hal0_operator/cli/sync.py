"""``hal0ctl sync``: look at the repository now; with ``--wait`` until what it says is served."""

import argparse
import sys
from typing import Any

from hal0_operator.cli.client import Client, NoAnswer
from hal0_operator.cli.options import Failed, Paths, Usage
from hal0_operator.cli.output import write_line
from hal0_operator.cli.parser import some_seconds
from hal0_operator.cli.waiting import until_decided

DEFAULT_TIMEOUT_S = 600


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wait", action="store_true", help="return when what the repository says is served, or needs a person"
    )
    parser.add_argument(
        "--timeout", type=some_seconds, metavar="SECONDS", help=f"how long to --wait ({DEFAULT_TIMEOUT_S})"
    )


def run(args: argparse.Namespace, paths: Paths) -> int:
    """0: done; 1: it cannot be reached, its newest revision is refused, or a slot did not become Ready."""
    if args.timeout is not None and not args.wait:
        raise Usage("--timeout goes with --wait")
    timeout = DEFAULT_TIMEOUT_S if args.timeout is None else args.timeout
    client = Client(paths.socket)
    if not args.wait:
        write_line(client.post("/api/source/sync")["message"] or "the repository is looked at now")
        return 0
    message = decided(client, "sync", {}, timeout)
    source = client.get("/api/source")
    if message:
        write_line(message, sys.stderr)
    why = amiss(source)
    if why:
        raise Failed(why)
    return served(client, source, timeout)


def decided(client: Client, wish: str, body: dict[str, Any], timeout: float) -> str:
    """Ask, and wait until what follows was read, admitted and acted on; what the operator has to say.

    Raises ``Failed``.
    """
    try:
        return str(client.post(f"/api/source/{wish}?wait=1", body, timeout)["message"])
    except NoAnswer as late:
        why = amiss(client.get("/api/source"))
        message = f"what the repository says was not taken up within {timeout:g} s"
        raise Failed(f"{message}: {why}" if why else message) from late


def served(client: Client, source: Any, timeout: float) -> int:
    """Wait for the slots of what is in force; 1: one did not become Ready."""
    write_line(_told(source))
    found = until_decided(client, timeout)
    for line in found.ready:
        write_line(line)
    for line in found.amiss:
        write_line(line, sys.stderr)
    return 1 if found.failed else 0


def amiss(source: Any) -> str:
    """Why what is in force is not what the repository says."""
    ready: Any = next((c for c in source["conditions"] if c["type"] == "Ready"), None)
    if ready is None or ready["status"] == "True":
        return ""
    return f"{ready['reason']}: {ready['message']}"


def _told(source: Any) -> str:
    revision = source["revision"]
    if revision is None:
        return f"{source['admitted'][:10]} is in force"
    return f"{revision['commit'][:10]} ({revision['subject']}, by {revision['author']}) is in force"
