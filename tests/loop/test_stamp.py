"""Times for people do not tremble."""

from datetime import UTC, datetime

from hal0_operator.loop.stamp import Stamp


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.set_by = 0.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> str:
        seconds = int(1_700_000_000.25 + self.now + self.set_by)
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def test_a_time_is_the_same_text_whenever_it_is_asked_for() -> None:
    clock = Clock()
    stamp = Stamp(clock)
    said = set()
    for step in range(1000):
        clock.now = step * 0.37
        said.add(stamp(5.5))
    assert said == {"2023-11-14T22:13:25Z"}


def test_it_follows_a_wall_clock_that_is_set() -> None:
    clock = Clock()
    stamp = Stamp(clock)
    clock.set_by = 3600
    assert stamp(5.5) == "2023-11-14T23:13:25Z"
