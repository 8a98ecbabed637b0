"""Monotonic times as wall-clock text, for people."""

from datetime import datetime

from hal0_operator.seams.clock import Clock
from hal0_operator.status.derive import rfc3339

CLOCK_SET_S = 2.0
"""Both clocks are read a moment apart and one in whole seconds: less is no change of the wall clock."""


class Stamp:
    """The RFC 3339 time, in whole seconds, of a monotonic time: the same text however often it is asked for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = self._measured()

    def __call__(self, at: float) -> str:
        offset = self._measured()
        if abs(offset - self._offset) > CLOCK_SET_S:
            self._offset = offset
        return rfc3339(at + self._offset)

    def _measured(self) -> float:
        return datetime.fromisoformat(self._clock.wall()).timestamp() - self._clock.monotonic()
