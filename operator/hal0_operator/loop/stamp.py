"""Monotonic times as wall-clock text, for people."""

from datetime import datetime, timedelta

from hal0_operator.seams.clock import Clock


def stamp(clock: Clock, at: float) -> str:
    """The RFC 3339 time, in whole seconds, of the monotonic time ``at``."""
    wall = datetime.fromisoformat(clock.wall())
    moved = wall + timedelta(seconds=at - clock.monotonic())
    return moved.isoformat(timespec="seconds").replace("+00:00", "Z")
