"""What failed is remembered, and tried again only when somebody asks."""

import pytest

from tests.e2e.awaited import all_ready, condition, container_id
from tests.images.build import STUB, STUB_STRICT
from tests.support.operator_process import OperatorProcess

STRICT = {"image": STUB_STRICT, "flags": "--no-mmap"}
"""A newer server that no longer knows the flag."""


@pytest.fixture
def rolled(operator: OperatorProcess) -> OperatorProcess:
    """chat served with its own profile, which was edited to one whose process exits at once."""
    operator.home.profile("fast", flags="--no-mmap")
    operator.home.slot("chat", profile="fast")
    operator.start()
    operator.until(all_ready)
    operator.home.profile("fast", **STRICT)
    operator.until(served_again)
    return operator


def served_again(slots: dict) -> bool:
    return bool(condition(slots["chat"], "RolledBack")) and slots["chat"]["phase"] == "Ready"


def attempts(operator: OperatorProcess) -> int:
    """How often this operator gave the failing inputs up."""
    return sum(event["count"] for event in operator.get("/api/events")["items"] if event["reason"] == "Rejected")


def test_a_failed_swap_is_tried_once_and_remembered_by_the_next_operator(rolled: OperatorProcess) -> None:
    before = rolled.cids()
    assert attempts(rolled) == 1
    rolled.kill()
    rolled.start()
    rolled.until(served_again)
    rolled.home.slot("util", model={"default": "m.gguf", "context_size": 8192})
    rolled.until(lambda slots: container_id(slots["util"]) not in ("", before["hal0-util"]) and all_ready(slots))
    after = rolled.cids()
    assert {name for name in after if after[name] != before[name]} == {"hal0-util"}
    assert attempts(rolled) == 0, "the new operator tried nothing"
    held = {one["slot"]: one for one in rolled.get("/api/plan")["held"]}
    assert held["chat"]["reason"] == "RolledBack"


def test_a_restart_is_the_second_chance(rolled: OperatorProcess) -> None:
    before = rolled.cid("chat")
    assert rolled.hal0ctl("restart", "chat").returncode == 0
    rolled.until(lambda slots: served_again(slots) and container_id(slots["chat"]) != before)
    assert attempts(rolled) == 2
    assert rolled.slots()["chat"]["container"]["image"] == STUB


def test_the_lines_of_the_failed_container_outlive_it(rolled: OperatorProcess) -> None:
    shown = rolled.hal0ctl("logs", "chat", "--previous")
    assert shown.returncode == 0
    assert "error: invalid argument: --no-mmap" in shown.stdout


def test_without_anything_to_go_back_to_it_is_tried_again_at_a_pace(operator: OperatorProcess) -> None:
    operator.home.profile("stub", **STRICT)
    operator.start()
    operator.until(
        lambda slots: all(
            slot["phase"] == "CrashLoop"
            and "invalid argument: --no-mmap" in condition(slot, "Ready")["message"]
            and slot["nextRetryAt"]
            for slot in slots.values()
        )
    )
    operator.home.profile("stub")
    operator.until(all_ready)
