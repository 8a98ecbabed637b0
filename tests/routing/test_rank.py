"""Which of two slots with one model id is taken, by how they stand."""

from itertools import combinations
from typing import Any

import pytest

from hal0_operator.routing.route import BRIEF_S, Route
from tests.routing.homes import Home, slot

STAND: dict[str, dict[str, Any]] = {
    "ready": {"phase": "Ready", "container": "id", "port": 8081},
    "back in a moment": {"phase": "Starting", "retry_s": 3.0, "back_s": 3.0},
    "on its way, on demand": {"phase": "Starting", "retry_s": 90.0, "back_s": 90.0, "wakes": True},
    "idle": {"phase": "Idle", "retry_s": 1.0, "wakes": True},
    "back in minutes": {"phase": "Starting", "retry_s": 90.0, "back_s": BRIEF_S + 0.1},
    "starting for the first time": {"phase": "Starting", "retry_s": 1.0},
    "crashing": {"phase": "CrashLoop", "retry_s": 2.0},
}
BEST_FIRST = list(STAND)[:4]
NOT_BEFORE_IDLE = list(STAND)[4:]


@pytest.mark.parametrize(("better", "worse"), list(combinations(BEST_FIRST, 2)))
def test_of_two_slots_with_one_model_none_is_loaded_while_the_other_answers_or_is_back_in_a_moment(
    better: str, worse: str
) -> None:
    assert chosen(better, worse) == better


@pytest.mark.parametrize("away", NOT_BEFORE_IDLE)
def test_of_two_slots_with_one_model_the_idle_one_is_loaded_when_nobody_knows_when_the_other_is_back(away: str) -> None:
    assert chosen("idle", away) == "idle"


def chosen(one: str, other: str) -> str:
    """Which of two slots with one model that stand like that is taken, whichever has which name."""
    found = set()
    for first, second in ((one, other), (other, one)):
        home = Home(slot("a", model="qwen"), slot("b", model="qwen"))
        home.stand("a", **STAND[first]).stand("b", **STAND[second])
        answer = home.ask(model="qwen")
        name = answer.slot if isinstance(answer, Route) else answer.details["slot"]
        found.add({"a": first, "b": second}[name])
    assert len(found) == 1
    return found.pop()
