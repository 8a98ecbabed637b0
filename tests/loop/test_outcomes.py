"""How long no look went well, whatever the clock on the wall shows and the notes of an earlier life say."""

import pytest

from hal0_operator.loop.event_log import EventLog
from hal0_operator.loop.outcomes import Outcomes
from hal0_operator.loop.sync_state import seconds_between

NOW = "2026-03-01T12:00:00Z"


class SetClock:
    """Shows what it is set to."""

    def __init__(self) -> None:
        self.seconds, self.shown = 100.0, NOW

    def monotonic(self) -> float:
        return self.seconds

    def wall(self) -> str:
        return self.shown


def outcomes(clock: SetClock, changed_at: str) -> Outcomes:
    return Outcomes("https://forge.example/a", EventLog(clock), clock, changed_at)


@pytest.mark.parametrize(
    ("changed_at", "age"),
    [
        ("2026-03-01T11:59:00Z", 60),
        ("2031-01-01T00:00:00Z", 0),
        ("2026-03-01T11:59:00", 0),
        ("garbage", 0),
        ("", 0),
    ],
)
def test_a_time_that_cannot_be_counts_from_the_beginning_of_this_life(changed_at: str, age: float) -> None:
    clock = SetClock()
    found = outcomes(clock, changed_at)
    assert found.age == age
    clock.seconds += 3600
    assert found.age == age + 3600
    found.well("unchanged")
    assert found.age == 0


@pytest.mark.parametrize("shown", ["2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z"])
def test_a_clock_that_is_set_while_it_runs_moves_no_age(shown: str) -> None:
    clock = SetClock()
    found = outcomes(clock, "2026-03-01T11:59:00Z")
    clock.shown = shown
    clock.seconds += 5
    assert found.age == 65


@pytest.mark.parametrize("then", ["garbage", "", "2026-03-01", "9999-99-99T00:00:00Z", "2026-03-01T11:59:00"])
def test_between_times_that_are_none_there_is_no_time(then: str) -> None:
    assert seconds_between(then, NOW) == seconds_between(NOW, then) == 0.0
