"""Many changes in a short time: one slot never has two models loaded, and the last word counts."""

import threading

from tests.e2e.awaited import all_ready, converged, until_event
from tests.e2e.watched import sampled
from tests.support.operator_process import OperatorProcess, Slots


def context(operator: OperatorProcess, size: int) -> None:
    operator.home.slot("chat", model={"default": "m.gguf", "context_size": size})


def test_a_burst_of_saves_never_runs_two_models_and_ends_with_the_last(running: OperatorProcess) -> None:
    running.home.profile("slow", env={"STUB_READY_AFTER": "1"})
    running.home.slot("chat", profile="slow")
    before = converged(running)
    pace = threading.Event()
    with sampled(running.machine) as seen:
        for number in range(20):  # twenty saves in two seconds, as impatient people and formatters make them
            running.home.slot(
                "chat", profile="slow", model={"default": "m.gguf", "context_size": (4096, 8192)[number % 2]}
            )
            pace.wait(0.1)
        after = converged(running)
    assert seen.most_running("chat") == 1
    argv = running.stub("chat")["argv"]
    assert argv[argv.index("--ctx-size") + 1] == "8192"
    assert {name for name in after if after[name] != before[name]} <= {"hal0-chat"}
    assert seen.starts("chat") <= 10, "saves that come while a swap is under way are one"


def test_a_port_that_was_just_given_up_is_taken_again_without_a_crash(operator: OperatorProcess) -> None:
    """Twenty swaps of a server that ignores the stop signal."""
    operator.configure(loop={"grace_s": 0.0})
    operator.home.profile("stub", env={"STUB_IGNORE_TERM": "1"})
    operator.start()
    before = converged(operator)
    for number in range(1, 21):
        context(operator, 4096 + number)
        operator.until(lambda slots, size=4096 + number: _serves(operator, slots, size))
    assert operator.slots()["chat"]["restarts"] == 0
    assert [event for event in operator.get("/api/events")["items"] if event["type"] == "Warning"] == []
    after = operator.containers()
    assert {row["State"] for row in after.values()} == {"running"}
    assert {name for name in after if after[name]["Id"] != before[name]} == {"hal0-chat"}


def test_a_port_swap_between_two_slots_in_one_save_ends_with_both_ready(running: OperatorProcess) -> None:
    one, two = running.home.ports[0], running.home.ports[1]
    with sampled(running.machine) as seen:
        running.home.slot("chat", port=two)
        running.home.slot("code", port=one)
        until_event(running, lambda event: event["reason"] == "Removed" and event["slot"] == "chat")
        converged(running)
    assert (running.slots()["chat"]["port"], running.slots()["code"]["port"]) == (two, one)
    for seen_once in seen.lists:
        held = [port for container in seen_once for port in container.ports]
        assert len(set(held)) == len(held), "a port has one managed container"


def _serves(operator: OperatorProcess, slots: Slots, size: int) -> bool:
    return all_ready(slots) and str(size) in operator.stub("chat")["argv"]
