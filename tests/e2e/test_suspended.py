"""Hands off: a suspended slot is not started, swapped or removed, and everybody is told that it is suspended."""

import os
import signal

import pytest

from tests.e2e.awaited import all_ready, condition, container_id, converged, until_event
from tests.support.operator_process import OperatorProcess

BIGGER = {"default": "m.gguf", "context_size": 8192}


@pytest.fixture
def suspended(running: OperatorProcess) -> OperatorProcess:
    """chat serves and is suspended by hand."""
    done = running.hal0ctl("suspend", "chat", "--reason", "measuring")
    assert done.returncode == 0, done.stderr
    running.until_phase("chat", "Suspended")
    return running


def test_an_edit_waits_for_the_resume_also_over_a_restart_of_the_operator(suspended: OperatorProcess) -> None:
    before = suspended.cids()
    suspended.home.slot("chat", model=BIGGER)
    suspended.home.slot("code", model=BIGGER)
    applied = suspended.hal0ctl("apply", "--wait", "--timeout=20")
    assert applied.returncode == 0, "waiting does not hang on a suspended slot"
    assert "chat: Suspended" in applied.stderr and "skipped" in applied.stderr
    suspended.kill()
    suspended.start()
    shown = suspended.until(lambda slots: all_others_ready(slots) and slots["chat"]["phase"] == "Suspended")["chat"]
    message = condition(shown, "Ready")["message"] + suspended.get("/api/slots/chat")["suspendedBy"]
    assert "measuring" in message and "since 20" in message
    assert suspended.cid("chat") == before["hal0-chat"] and suspended.cid("code") != before["hal0-code"]
    plan = suspended.hal0ctl("plan")
    assert plan.returncode == 3
    assert "held chat: Suspended" in plan.stdout

    assert suspended.hal0ctl("resume", "chat").returncode == 0
    suspended.until(lambda slots: all_ready(slots) and container_id(slots["chat"]) != before["hal0-chat"])
    assert "8192" in suspended.stub("chat")["argv"]


def all_others_ready(slots: dict) -> bool:
    return all_ready({name: slot for name, slot in slots.items() if name != "chat"}) and "chat" in slots


def test_a_suspended_container_that_dies_stays_dead_and_keeps_its_port(suspended: OperatorProcess) -> None:
    os.kill(suspended.container_pid("chat"), signal.SIGKILL)
    suspended.until(lambda slots: condition(slots["chat"], "Ready")["status"] == "False")
    # another slot is swapped meanwhile: the loop had its turns
    before = suspended.cids()
    suspended.home.slot("code", model=BIGGER)
    suspended.until(
        lambda slots: container_id(slots["code"]) not in ("", before["hal0-code"]) and all_others_ready(slots)
    )
    assert suspended.containers()["hal0-chat"]["State"] == "exited"
    assert suspended.cid("chat") == before["hal0-chat"]
    assert suspended.hal0ctl("resume", "chat").returncode == 0
    suspended.until(all_ready)
    assert suspended.cid("chat") == before["hal0-chat"]


def test_what_the_file_suspends_no_resume_ends(running: OperatorProcess) -> None:
    before = running.cids()
    running.home.slot("chat", model=BIGGER, operator={"suspend": True})
    shown = running.until_phase("chat", "Suspended")
    assert "slots/chat.toml" in condition(shown, "Ready")["message"]
    resumed = running.hal0ctl("resume", "chat")
    assert resumed.returncode == 1
    assert "slots/chat.toml" in resumed.stdout + resumed.stderr
    assert "suspend = true" in resumed.stdout + resumed.stderr
    assert converged(running) == before
    running.home.slot("chat", model=BIGGER)
    running.until(lambda slots: all_ready(slots) and container_id(slots["chat"]) != before["hal0-chat"])


def test_deleting_the_file_of_a_suspended_slot_ends_its_suspension(suspended: OperatorProcess) -> None:
    suspended.home.delete("slots/chat.toml")
    until_event(suspended, lambda event: event["reason"] == "Removed" and event["slot"] == "chat")
    suspended.until_gone("chat")
    suspended.home.slot("chat")
    suspended.until(lambda slots: "chat" in slots and all_ready(slots))
