"""A start may take its time, a dead process may not, and no failure is final."""

import time

from tests.e2e.awaited import condition, container_id, converged, until_event
from tests.support.operator_process import OperatorProcess


def slow(operator: OperatorProcess, ready_after: float, timeout: float, **env: str) -> None:
    operator.home.profile("slow", env={"STUB_READY_AFTER": str(ready_after)} | env)
    operator.home.slot("chat", profile="slow", operator={"ready_timeout_s": timeout})


def test_within_the_limit_it_is_starting_and_says_how_long_it_may_take(operator: OperatorProcess) -> None:
    slow(operator, 2, 60)
    operator.start()
    chat = operator.until(
        lambda slots: slots["chat"]["phase"] == "Starting" and "loading" in slots["chat"]["blockedOn"]
    )["chat"]
    assert condition(chat, "Reconciling")["status"] == "True"
    assert "it has until 20" in chat["blockedOn"]
    assert "60 s from its start" in chat["blockedOn"]
    assert chat["container"]["startedAt"]
    first = container_id(chat)
    chat = operator.until_phase("chat", "Ready")
    assert container_id(chat) == first
    assert chat["restarts"] == 0


def test_over_the_limit_it_is_tried_again_with_growing_pauses_and_never_given_up(operator: OperatorProcess) -> None:
    slow(operator, 3600, 0.5)
    operator.start()
    chat = operator.until_phase("chat", "CrashLoop", seconds=30)
    ready = condition(chat, "Ready")
    assert ready["reason"] == condition(chat, "Stalled")["reason"] == "StartTimeout"
    assert "not ready within 0.5 s" in ready["message"]
    assert "not ready within 0.5 s" in chat["lastExit"]
    chat = operator.until(lambda slots: slots["chat"]["restarts"] >= 3 and slots["chat"]["nextRetryAt"], 30)["chat"]
    assert chat["phase"] == "CrashLoop"
    events = [(event["reason"], event["slot"]) for event in operator.get("/api/events")["items"]]
    assert events.count(("Rejected", "chat")) == 1
    slots = operator.slots()
    assert (slots["code"]["phase"], slots["util"]["phase"]) == ("Ready", "Ready")

    slow(operator, 0, 60)
    operator.until_phase("chat", "Ready")
    assert not condition(operator.slots()["chat"], "RolledBack")


def test_a_process_that_dies_while_it_loads_is_told_at_once_and_not_after_the_limit(operator: OperatorProcess) -> None:
    slow(operator, 3600, 600, STUB_EXIT_AFTER="0.3", STUB_EXIT_CODE="7")
    began = time.monotonic()
    operator.start()
    until_event(operator, lambda event: event["reason"] == "Died" and event["slot"] == "chat")
    operator.until_phase("chat", "CrashLoop")
    chat = operator.until(lambda slots: "exit code 7" in slots["chat"]["lastExit"])["chat"]
    assert "exit 7" in chat["lastExit"], "what it printed last"
    assert "exit code 7" in condition(chat, "Ready")["message"]
    assert time.monotonic() - began < 60, "the limit is ten minutes"


def test_a_server_that_listens_late_is_waited_for(operator: OperatorProcess) -> None:
    operator.home.profile("stub", env={"STUB_LISTEN_AFTER": "1.5"})
    operator.start()
    converged(operator)
    assert operator.slots()["chat"]["restarts"] == 0
