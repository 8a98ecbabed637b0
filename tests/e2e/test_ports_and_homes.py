"""What can be had only once: a port, a name, a home, a state directory."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from tests.e2e.awaited import all_ready, condition, container_id, converged
from tests.support.operator_process import OperatorProcess


@contextlib.contextmanager
def second_home(operator: OperatorProcess) -> Iterator[OperatorProcess]:
    """Another operator on the same Podman, not started: a home, a state and ports of its own."""
    made = OperatorProcess(operator.machine)
    made.listen = f"127.0.0.1:{operator.machine.ports[97]}"
    made.home.ports = operator.machine.ports[50:90]
    made.home.profile("stub")
    try:
        yield made
    finally:
        made.end()


def test_two_slots_change_ports_in_one_edit(running: OperatorProcess) -> None:
    before, ports = running.cids(), running.home.ports
    running.home.slot("chat", port=ports[1])
    running.home.slot("code", port=ports[0])
    slots = running.until(
        lambda slots: (
            all_ready(slots)
            and (slots["chat"]["port"], slots["code"]["port"]) == (ports[1], ports[0])
            and not {container_id(slots["chat"]), container_id(slots["code"])} & set(before.values())
        )
    )
    for slot, port in (("chat", ports[1]), ("code", ports[0])):
        argv = running.stub(slot)["argv"]
        assert argv[argv.index("--port") + 1] == str(port)
    assert running.cid("util") == before["hal0-util"]


def test_a_port_that_a_foreign_program_has_is_named_with_it_and_taken_once_free(operator: OperatorProcess) -> None:
    with socket.create_server(("127.0.0.1", operator.home.ports[0])):
        operator.start()
        held = operator.until_condition("chat", "PortHeld")
        assert f"port {operator.home.ports[0]} is held by python" in held["message"]
        slots = operator.until(lambda slots: {slots["code"]["phase"], slots["util"]["phase"]} == {"Ready"})
        assert slots["chat"]["phase"] == "Blocked"
    operator.until(all_ready)


def test_two_homes_share_a_machine_and_neither_touches_the_other(running: OperatorProcess) -> None:
    before = converged(running)
    with second_home(running) as other:
        other.home.slot("draft", port=other.home.ports[0])
        other.start()
        other.until(all_ready)
        assert sorted(running.slots()) == ["chat", "code", "util"]
        assert sorted(other.slots()) == ["draft"]
        running.home.slot("chat", model={"default": "m.gguf", "context_size": 8192})
        after = converged(running)
        assert set(after) == {*before, "hal0-draft"}
        draft = after["hal0-draft"]
        other.home.slot("draft", port=running.home.ports[1])
        held = other.until_condition("draft", "PortHeld")
        assert "hal0-code" in held["message"]
        assert running.cid("draft") == draft, "it serves on, on its old port"
        assert other.stub_at(other.home.ports[0])["uptime"] > 0


def test_a_name_that_another_home_has_is_a_conflict_that_tells_how_to_take_it_over(running: OperatorProcess) -> None:
    before = converged(running)
    with second_home(running) as other:
        other.home.slot("chat", port=other.home.ports[0])
        other.start()
        conflict = other.until_condition("chat", "NameConflict")
        (line,) = [part for part in conflict["message"].split("`") if part.startswith("home_id = ")]
        assert running.cids() == before
        # the home only moved: with the line that the message gives, its container is adopted
        assert other.stop() == 0
        assert running.stop() == 0
        other.configure(home_id=line.split('"')[1])
        for name in ("memory.json", "admitted.json"):
            (other.state / name).unlink(missing_ok=True)
        other.home.slot("chat", port=running.home.ports[0])
        other.store = running.store
        other.start()
        other.until(lambda slots: slots.get("chat", {}).get("phase") == "Ready")
        assert running.cid("chat") == before["hal0-chat"]


@pytest.mark.parametrize("verb", ["run", "apply"])
def test_a_second_operator_on_a_home_is_refused_with_home_and_pid(running: OperatorProcess, verb: str) -> None:
    with second_home(running) as other:
        other.home = running.home
        refused = other.hal0ctl(verb)
        assert refused.returncode == 1
        assert str(running.home.path) in refused.stderr and str(running.pid) in refused.stderr, refused.stderr


def test_a_state_directory_of_another_home_is_refused(running: OperatorProcess) -> None:
    assert running.stop() == 0
    with second_home(running) as other:
        other.state = running.state
        refused = other.hal0ctl("run", f"--listen={other.listen}")
        assert refused.returncode == 1
        assert "another home" in refused.stderr and "--state-dir" in refused.stderr
    running.start()
    running.until(all_ready)


def test_apply_goes_through_the_operator_that_runs(running: OperatorProcess) -> None:
    before = running.cids()
    running.home.slot("chat", model={"default": "m.gguf", "context_size": 8192})
    done = running.hal0ctl("apply", "--wait")
    assert done.returncode == 0, done.stderr
    assert condition(running.slots()["chat"], "Ready")["status"] == "True"
    assert {name for name, id in running.cids().items() if id != before[name]} == {"hal0-chat"}
