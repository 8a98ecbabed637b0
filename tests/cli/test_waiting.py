"""When a wait is over, of the statuses alone."""

import msgspec
import pytest

from hal0_operator.cli.waiting import judge
from tests.support.fake_operator import condition, slot


def off(phase: str, reconciling: str) -> object:
    conditions = (
        condition("Admitted", reason="Admitted"),
        condition("Ready", "False", "Disabled"),
        condition("Reconciling", reconciling),
        condition("Stalled", "False"),
    )
    return msgspec.to_builtins(slot("chat", phase, wanted=False, conditions=conditions))


@pytest.mark.parametrize("phase", ["Off", "Idle"])
def test_a_slot_that_is_switched_off_is_waited_for_until_its_container_is_gone(phase: str) -> None:
    assert judge([off(phase, "True")], waited=True).pending == (f"chat: {phase}",)
    assert judge([off(phase, "False")], waited=True).pending == ()
