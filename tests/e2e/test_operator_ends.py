"""The operator may end at any time, in any way: every container lives on, and the next operator adopts it."""

import os
import signal

import pytest

from tests.e2e.awaited import all_ready, converged, until_event
from tests.support.operator_process import OperatorProcess

MUTATING = ("create", "start", "stop", "remove", "pull")


def calls(operator: OperatorProcess) -> dict[str, int]:
    """Podman calls that change something, by verb."""
    text = operator.get("/metrics")
    lines = [line for line in text.splitlines() if line.startswith("hal0_podman_calls_total{")]
    found = {verb: sum(float(line.split()[-1]) for line in lines if f'verb="{verb}"' in line) for verb in MUTATING}
    return {verb: int(count) for verb, count in found.items() if count}


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
def test_every_container_lives_and_the_next_start_touches_none(running: OperatorProcess, how: str) -> None:
    before = running.cids()
    pids = {slot: running.container_pid(slot) for slot in ("chat", "code", "util")}
    if how == "SIGKILL":
        running.kill()
    else:
        assert running.stop() == 0
    assert {slot: running.container_pid(slot) for slot in pids} == pids
    running.start()
    running.until(all_ready)
    assert converged(running) == before
    assert {slot: running.container_pid(slot) for slot in pids} == pids
    assert calls(running) == {}, "an adopted, healthy container gets no call"


def test_the_next_start_touches_nothing_without_the_state_directory(running: OperatorProcess) -> None:
    before = running.cids()
    assert running.stop() == 0
    for name in ("memory.json", "admitted.json"):
        (running.state / name).unlink()
    running.start()
    running.until(all_ready)
    assert converged(running) == before
    assert calls(running) == {}


def test_a_process_that_died_while_no_operator_ran_is_started_again_in_its_container(running: OperatorProcess) -> None:
    before = running.cids()
    running.kill()
    os.kill(running.container_pid("chat"), signal.SIGKILL)
    running.start()
    running.until(all_ready)
    assert converged(running) == before
    assert calls(running) == {"start": 1}


def test_what_was_changed_while_no_operator_ran_is_done_by_the_next(running: OperatorProcess) -> None:
    before = running.cids()
    running.kill()
    running.home.slot("chat", model={"default": "m.gguf", "context_size": 8192})
    running.home.delete("slots/util.toml")
    running.start()
    until_event(running, lambda event: event["reason"] == "Removed" and event["slot"] == "util")
    after = converged(running)
    assert sorted(after) == ["hal0-chat", "hal0-code"]
    assert after["hal0-code"] == before["hal0-code"]
    assert after["hal0-chat"] != before["hal0-chat"]
    assert "8192" in running.stub("chat")["argv"]


def test_an_operator_killed_in_the_middle_of_a_swap_is_finished_by_the_next(running: OperatorProcess) -> None:
    before = running.cids()
    running.home.slot("chat", model={"default": "m.gguf", "context_size": 8192})
    until_event(running, lambda event: event["reason"] == "Removed" and event["slot"] == "chat")
    running.kill()
    running.start()
    after = converged(running)
    assert {name for name in after if after[name] != before[name]} == {"hal0-chat"}
    assert "8192" in running.stub("chat")["argv"]
