"""When a wait is over, of the statuses alone."""

import msgspec
import pytest

from hal0_operator.cli.waiting import Told, judge
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


def stalled(name: str, reason: str, phase: str = "Blocked", message: str = "somebody has it") -> object:
    conditions = (
        condition("Admitted", reason="Admitted"),
        condition("Ready", "False", reason, message),
        condition("Reconciling", "False", "Stalled"),
        condition("Stalled", "True", reason, message),
    )
    return msgspec.to_builtins(slot(name, phase, conditions=conditions))


@pytest.mark.parametrize("phase", ["Blocked", "Ready"])
@pytest.mark.parametrize("reason", ["PortHeld", "NPUHeld", "Port", "CallFailed", "HostUnreadable", "PortPathBroken"])
def test_what_may_give_way_by_itself_is_waited_for_until_the_time_is_up(reason: str, phase: str) -> None:
    found = judge([stalled("chat", reason, phase)], waited=True)
    assert (found.decided, found.failed, found.blocked) == (False, (), (f"chat: {phase}: somebody has it",))
    assert found.late(45).amiss == (f"chat: {phase}: somebody has it (not within 45 s)",)


@pytest.mark.parametrize(
    "reason", ["ModelMissing", "DeviceMissing", "DeviceDenied", "MountMissing", "SecretMissing", "NameConflict"]
)
def test_what_takes_a_person_is_decided_at_once(reason: str) -> None:
    found = judge([stalled("chat", reason)], waited=True)
    assert (found.decided, found.failed) == (True, ("chat: Blocked: somebody has it",))


@pytest.mark.parametrize("phase", ["CrashLoop", "Denied"])
def test_a_crash_loop_and_a_denial_are_decided_at_once(phase: str) -> None:
    assert judge([stalled("chat", phase, phase)], waited=True).decided


def test_a_crash_loop_whose_port_somebody_has_is_still_one() -> None:
    assert judge([stalled("chat", "PortHeld", "CrashLoop")], waited=True).decided


def test_what_is_not_waited_for_any_longer_is_named_when_another_slot_fails() -> None:
    held, missing = stalled("chat", "PortHeld"), stalled("code", "ModelMissing", message="m.gguf is not there")
    assert judge([held, missing], waited=True).amiss == (
        "code: Blocked: m.gguf is not there",
        "chat: Blocked: somebody has it (not waited for any longer)",
    )


def test_what_is_in_the_way_is_said_once_while_it_is_waited_for(capsys) -> None:
    told = Told()
    for reason in ("PortHeld", "PortHeld"):
        told.tell(judge([stalled("chat", reason)], waited=True))
    told.tell(judge([stalled("code", "ModelMissing")], waited=True))
    assert capsys.readouterr() == ("", "waiting: chat: Blocked: somebody has it\n")
