"""``hal0ctl run``: the operator in the foreground."""

import argparse
import sys
from typing import TYPE_CHECKING

from hal0_operator.cli.ending import ended
from hal0_operator.cli.options import Paths

if TYPE_CHECKING:
    from hal0_operator.loop.operator import RunningOperator
    from hal0_operator.model.status import Event


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--listen", metavar="ADDRESS", help="address of the HTTP API (127.0.0.1:8080)")
    parser.add_argument("--watch", action="store_true", help="show a live table of the slots (default on a terminal)")


def run(args: argparse.Namespace, paths: Paths) -> int:
    """Exit code 0 after SIGTERM or Ctrl-C; every container keeps running."""
    import anyio  # noqa: PLC0415 - help must not import it

    from hal0_operator.cli.assembling import parts_of  # noqa: PLC0415
    from hal0_operator.cli.options import Failed  # noqa: PLC0415
    from hal0_operator.run import serve  # noqa: PLC0415
    from hal0_operator.surfaces import CannotRun  # noqa: PLC0415
    from hal0_operator.web.serve import CannotListen  # noqa: PLC0415

    parts = parts_of(paths, listen=args.listen or "")
    watching = _live if args.watch or sys.stdout.isatty() else _lines
    try:
        anyio.run(serve, parts, parts.settings.listen, watching)
    except* (CannotListen, CannotRun) as failed:
        raise Failed(str(_first(failed))) from None
    finally:
        parts.close()
    return ended(0)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


async def _live(operator: "RunningOperator") -> None:
    """A table that repaints in place, with what happened last below it."""
    import msgspec  # noqa: PLC0415

    from hal0_operator.cli import render  # noqa: PLC0415
    from hal0_operator.cli.screen import Screen  # noqa: PLC0415

    screen = Screen(sys.stdout)

    def paint() -> None:
        rows = msgspec.to_builtins(operator.slots())
        events = msgspec.to_builtins(operator.events()[-8:])
        screen.repaint([*render.slots(rows, wide=False), "", *render.events(events)])

    paint()
    async for _ in operator.changes():
        paint()


async def _lines(operator: "RunningOperator") -> None:
    """One complete line per event, for logs and pipes."""
    from hal0_operator.cli.output import write_line  # noqa: PLC0415

    for event in operator.events():
        write_line(_line(event))
    async for event in operator.follow():
        write_line(_line(event))


def _line(event: "Event") -> str:
    slot = f" {event.slot}" if event.slot else ""
    return f"{event.time} {event.type}{slot} {event.reason}: {event.message}"
