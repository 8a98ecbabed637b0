"""A wish, sent to the running operator or done here; shown, and waited for."""

import argparse
import contextlib
import json
import sys
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from hal0_operator.changes.refusal import ReadOnly
from hal0_operator.changes.refusal import Refusal as Refused
from hal0_operator.changes.wish import (
    CreateProfile,
    CreateSlot,
    DeleteProfile,
    DeleteSlot,
    EditProfile,
    EditSlot,
    Keys,
    ReplaceFiles,
    SetCapability,
    Wish,
)
from hal0_operator.cli import change_text
from hal0_operator.cli.client import TIMEOUT_S, Client, NoOperator, Refusal, profile_target, slot_target, user_name
from hal0_operator.cli.options import Failed, Paths
from hal0_operator.cli.output import write_line
from hal0_operator.cli.parser import choice, some_seconds
from hal0_operator.cli.waiting import until_decided
from hal0_operator.desired.names import slot_stem
from hal0_operator.home.identity import normal

if TYPE_CHECKING:
    from hal0_operator.cli.local import Base, Local

Body = dict[str, Any]
"""``web.shapes.ChangeBody`` as decoded JSON."""

WRITE_S = 60.0
"""Seconds for a change set: its files are synced to the disk, and another writer may be at work."""
WAIT_S = 600.0
BY_LIMIT = 100
"""Characters of a name that the API takes."""

NOTHING_RUNS = "nothing is running, so nothing is acted on until `hal0ctl run` or `hal0ctl apply`"
ELSEWHERE = "an operator with another --state-dir runs for this home, and acts on it"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What every verb that writes a home takes."""
    parser.add_argument("--dry-run", action="store_true", help="show what would be written and done, and do nothing")
    parser.add_argument("--no-wait", action="store_true", help="return before the slots that change are Ready")
    parser.add_argument(
        "--timeout", type=some_seconds, default=WAIT_S, metavar="SECONDS", help=f"how long to wait ({WAIT_S:g})"
    )
    parser.add_argument("-o", "--output", type=choice("form", ("json",)), help="json")


def operator_of(paths: Paths) -> Client | None:
    """The operator that runs for this home, if one answers.  Raises ``Failed`` when that cannot be told."""
    client = Client(paths.socket)
    try:
        source = client.get("/api/source")
    except NoOperator:
        return None
    if source["kind"] == "git":
        return None if paths.home_named else client
    return client if normal(source["url"]) == normal(paths.home) else None


def carry_out(wish: Wish, args: argparse.Namespace, paths: Paths) -> int:
    """0: done, or there was nothing to do; 1: refused, not all of it written, or a slot did not become Ready."""
    client = operator_of(paths)
    if client is None:
        from hal0_operator.cli.local import Local  # noqa: PLC0415 - only without an operator

        local = Local(paths)
        return finish(done_here(local, wish, dry_run=args.dry_run), args, None, told=unattended(local))
    body = _sent(client, wish, dry_run=args.dry_run)
    return finish(body, args, client, _touched(client, wish, body))


def done_here(local: "Local", wish: Wish, *, dry_run: bool, base: "Base | None" = None) -> Body:
    """The body of a wish that this process writes.  Raises ``Failed``."""
    with refusals():
        return local.body(local.change(wish, asker(), dry_run=dry_run, base=base), dry_run=dry_run)


def finish(
    body: Body,
    args: argparse.Namespace,
    client: Client | None,
    touched: Collection[str] = (),
    *,
    told: str = NOTHING_RUNS,
) -> int:
    """Show what a wish came to, and wait for the slots that it touched; without ``client`` ``told`` is said instead."""
    if args.output == "json":
        sys.stdout.write(json.dumps(body, indent=2) + "\n")
    else:
        change_text.show(body)
    sys.stdout.flush()
    if args.dry_run and body["files"]:
        write_line("nothing was written", sys.stderr)
    if not body["committed"]:
        return 0
    late = 1 if change_text.kept(body) or body["unfinished"] else 0
    if client is None:
        sys.stderr.write(f"{told}\n" if told else "")
        return late
    return late if args.no_wait else max(late, _settled(client, touched, args))


def unattended(local: "Local") -> str:
    """Who acts on what is written, when nobody was asked to."""
    return ELSEWHERE if local.served_elsewhere() else NOTHING_RUNS


def _settled(client: Client, touched: Collection[str], args: argparse.Namespace) -> int:
    """Wait for these slots: where they come to on stdout, what fails on stderr."""
    if not touched:
        return 0
    client.post("/api/reconcile?wait=1", timeout=max(args.timeout, TIMEOUT_S))
    found = until_decided(client, args.timeout, only=touched)
    for line in found.ready:
        write_line(line, sys.stderr if args.output == "json" else sys.stdout)
    for line in found.amiss:
        write_line(line, sys.stderr)
    return 1 if found.failed else 0


def _touched(client: Client, wish: Wish, body: Body) -> set[str]:
    """The slots that a wish is about."""
    names = {stem for file in body["files"] if (stem := slot_stem(file["file"])) is not None}
    match wish:
        case SetCapability(child=child):
            names.add(client.get(f"/api/capabilities/{child.replace('.', '/')}")["slot"])
        case EditProfile(name=name):
            names.update(client.get(profile_target(name))["used_by"])
    return names


def _sent(client: Client, wish: Wish, *, dry_run: bool) -> Body:
    """Raises ``Failed``."""
    method, target, keys = _request(wish)
    query = urlencode({"by": asker(), **({"dryRun": "1"} if dry_run else {})})
    try:
        body: Body = client.send(method, f"{target}?{query}", keys, WRITE_S)
    except Refusal as refused:
        if refused.files:
            raise Failed(change_text.to_commit(str(refused), refused.files)) from refused
        raise Failed(change_text.refusal(refused.error_code, str(refused), refused.problems)) from refused
    return body


def _request(wish: Wish) -> tuple[str, str, Keys]:
    match wish:
        case SetCapability(child=child, keys=keys):
            return "PATCH", f"/api/capabilities/{child.replace('.', '/')}", keys
        case CreateSlot(name=name, keys=keys):
            return "POST", "/api/slots", {**keys, "name": name}
        case EditSlot(name=name, keys=keys):
            return "PATCH", slot_target(name), keys
        case DeleteSlot(name=name):
            return "DELETE", slot_target(name), {}
        case CreateProfile(name=name, keys=keys, source=source):
            return "POST", "/api/profiles", {**keys, "name": name, **({"clone": source} if source else {})}
        case EditProfile(name=name, keys=keys):
            return "PATCH", profile_target(name), keys
        case DeleteProfile(name=name):
            return "DELETE", profile_target(name), {}
        case ReplaceFiles():
            raise Failed("whole files are written by this process, never sent")


def refused(local: "Local", wish: Wish) -> Failed:
    """Why a wish cannot be, where it is known that it cannot."""
    try:
        done_here(local, wish, dry_run=True)
    except Failed as failed:
        return failed
    return Failed("the home has changed meanwhile: try again")


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """A refusal becomes the lines that a person reads, as ``Failed``."""
    try:
        yield
    except Refused as refused:
        from hal0_operator.web.shapes import file_body, problem_body  # noqa: PLC0415 - only without an operator

        if isinstance(refused, ReadOnly):
            files = [msgspec.to_builtins(file_body(change)) for change in refused.change_set.changes]
            raise Failed(change_text.to_commit(str(refused), files)) from refused
        found = [msgspec.to_builtins(problem_body(problem)) for problem in refused.problems]
        raise Failed(change_text.refusal(refused.code, str(refused), found)) from refused


def asker() -> str:
    """Who asks, as events and journals show it."""
    name = user_name()
    return name[:BY_LIMIT] if name.isprintable() else "hal0ctl"
