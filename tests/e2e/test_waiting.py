"""``apply --wait`` returns when the newest edit serves, and at once when it cannot."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.awaited import all_ready, condition, converged
from tests.support.operator_process import OperatorProcess

READY_AFTER_S = 2.5


def slow(operator: OperatorProcess, seconds: float = READY_AFTER_S) -> None:
    operator.home.profile("slow", env={"STUB_READY_AFTER": str(seconds)})
    operator.home.slot("chat", profile="slow")


def timed(operator: OperatorProcess, *args: str) -> tuple[int, float, str]:
    begun = time.monotonic()
    done = operator.hal0ctl("apply", "--wait", *args)
    return done.returncode, time.monotonic() - begun, done.stdout + done.stderr


@pytest.mark.parametrize("with_operator", [True, False], ids=["with-operator", "without-operator"])
def test_it_waits_for_the_edit_of_the_same_moment(running: OperatorProcess, with_operator: bool) -> None:
    before = running.slots()["chat"]["generation"]
    if not with_operator:
        assert running.stop() == 0
    slow(running)
    code, took, said = timed(running)
    assert code == 0, said
    assert READY_AFTER_S < took < READY_AFTER_S + 10
    if not with_operator:
        assert sorted(row["State"] for row in running.containers().values()) == ["running"] * 3
        running.start()
        running.until(all_ready)
    chat = running.slots()["chat"]
    assert chat["generation"] == chat["observedGeneration"] != before
    assert {c["observedGeneration"] for c in chat["conditions"]} == {chat["generation"]}
    assert condition(chat, "Ready")["status"] == "True"


def test_a_comment_changes_nothing_and_returns_at_once(running: OperatorProcess) -> None:
    before = converged(running)
    file = running.home.path / "slots" / "chat.toml"
    running.home.save("slots/chat.toml", f"# a note\n{file.read_text()}")
    code, took, said = timed(running)
    assert code == 0, said
    assert took < 3
    assert running.cids() == before


@pytest.mark.parametrize("with_operator", [True, False], ids=["with-operator", "without-operator"])
def test_a_denied_edit_fails_at_once_with_its_reason(running: OperatorProcess, with_operator: bool) -> None:
    if not with_operator:
        assert running.stop() == 0
    running.home.save("slots/chat.toml", 'device = "gpu-rocmm"\nprofile = "stub"\n')
    code, took, said = timed(running)
    assert code == 1
    assert "device.unknown slots/chat.toml:1:10" in said
    assert took < 6


def test_what_is_not_ready_in_time_is_named_and_goes_on_starting(running: OperatorProcess) -> None:
    slow(running, 60)
    code, _, said = timed(running, "--timeout=1.5")
    assert code == 1
    assert "chat: " in said and "not within 1.5 s" in said
    assert running.until_phase("chat", "Starting")["container"]


def test_a_port_that_is_given_up_late_is_waited_for(running: OperatorProcess) -> None:
    taken = running.home.ports[20]
    with ThreadPoolExecutor(1) as pool, socket.create_server(("127.0.0.1", taken)) as server:
        running.home.slot("chat", port=taken)
        waiting = pool.submit(timed, running, "--timeout=60")
        running.until_condition("chat", "PortHeld")
        assert not waiting.done()
        server.close()
        code, _, said = waiting.result()
    assert code == 0, said
    assert running.slots()["chat"]["port"] == taken
