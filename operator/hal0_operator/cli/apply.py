"""``hal0ctl apply``: converge once; with ``--wait`` until every wanted slot is Ready or Idle."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from hal0_operator.cli.client import Client, NoOperator
from hal0_operator.cli.ending import ended
from hal0_operator.cli.options import Failed, Paths
from hal0_operator.cli.output import write_line
from hal0_operator.cli.parser import some_seconds
from hal0_operator.cli.problems import human_line
from hal0_operator.cli.waiting import Outcome, Told, judge, until_decided
from hal0_operator.desired.names import SLOTS_FOLDER
from hal0_operator.web.shapes import problem_body

if TYPE_CHECKING:
    from hal0_operator.run import Parts

DEFAULT_TIMEOUT_S = 600


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wait", action="store_true", help="return when every wanted slot is Ready or Idle, or needs a person"
    )
    parser.add_argument(
        "--timeout", type=some_seconds, default=DEFAULT_TIMEOUT_S, metavar="SECONDS", help="how long to wait (600)"
    )


def run(args: argparse.Namespace, paths: Paths) -> int:
    """0: done; 1: something was denied, failed, or did not become Ready in time."""
    try:
        return _report(_with_operator(args, paths), waited=args.wait)
    except NoOperator:
        return _alone(args, paths)


def _with_operator(args: argparse.Namespace, paths: Paths) -> Outcome:
    client = Client(paths.socket)
    client.post("/api/reconcile?wait=1", timeout=args.timeout)
    denied = _denied(client.get("/api/source")["problems"])
    if not args.wait:
        return judge(client.get("/api/slots")["items"], waited=False).also_denied(denied)
    return until_decided(client, args.timeout, denied=denied)


def _denied(problems: list[Any]) -> list[str]:
    """What was refused beside slot files, whose slots say it themselves."""
    errors = [p for p in problems if p["severity"] == "error" and not p["file"].startswith(f"{SLOTS_FOLDER}/")]
    return [line for problem in errors for line in human_line(problem)]


def _alone(args: argparse.Namespace, paths: Paths) -> int:
    """No operator runs: become it, for as long as this takes."""
    import anyio  # noqa: PLC0415 - only without an operator

    from hal0_operator.cli.assembling import parts_of  # noqa: PLC0415
    from hal0_operator.surfaces import CannotRun  # noqa: PLC0415

    parts = parts_of(paths)
    try:
        found = anyio.run(_converge, parts, bool(args.wait), float(args.timeout))
    except CannotRun as failed:
        raise Failed(str(failed)) from failed
    finally:
        parts.close()
    return ended(_report(found, waited=args.wait))


async def _converge(parts: "Parts", wait: bool, seconds: float) -> Outcome:
    import anyio  # noqa: PLC0415
    import msgspec  # noqa: PLC0415

    from hal0_operator.run import converge  # noqa: PLC0415

    found = Outcome()
    told = Told()

    async def done() -> None:
        nonlocal found
        with anyio.move_on_after(seconds) as scope:
            await parts.operator.fresh()
            denied = _denied([msgspec.to_builtins(problem_body(problem)) for problem in parts.operator.problems()])
            found = judge(msgspec.to_builtins(parts.operator.slots()), waited=wait).also_denied(denied)
            if not wait or found.decided:
                return
            told.tell(found)
            async for _ in parts.operator.changes():
                found = judge(msgspec.to_builtins(parts.operator.slots()), waited=True).also_denied(denied)
                if found.decided:
                    return
                told.tell(found)
        if scope.cancelled_caught:
            found = found.late(seconds)

    await converge(parts, done)
    return found


def _report(found: Outcome, *, waited: bool) -> int:
    for line in found.ready if waited else found.summary:
        write_line(line)
    for line in found.amiss if waited else (*found.skipped, *found.failed):
        write_line(line, sys.stderr)
    return 1 if found.failed else 0
