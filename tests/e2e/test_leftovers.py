"""What a killed Podman service, monitor or machine leaves behind is cleared within two turns of the timer."""

import contextlib
import json
import os

import pytest

from tests.e2e.awaited import all_ready, condition, converged, until_event
from tests.images.build import STUB
from tests.support import leftovers
from tests.support.operator_process import OperatorProcess

pytestmark = pytest.mark.leftovers

BIGGER = {"default": "m.gguf", "context_size": 8192}
TWO_TURNS_S = 10
"""Two turns of one second each, and what a busy machine takes to remove, create and start."""


def healed(operator: OperatorProcess, slot: str, dead: int = 0) -> None:
    """Every slot serves, and this one by another process than the dead one."""
    operator.until(lambda slots: all_ready(slots) and operator.container_pid(slot) not in (0, dead), TWO_TURNS_S)
    assert operator.stub(slot)["uptime"] > 0


def twin(operator: OperatorProcess, slot: str, *verb: str) -> str:
    """A container with the name, labels, port and arguments of the slot's, in its place; its id."""
    (found,) = json.loads(operator.machine.podman("inspect", f"hal0-{slot}"))
    operator.machine.podman("rm", "--force", "--time", "0", f"hal0-{slot}")
    port = operator.home.ports[("chat", "code", "util").index(slot)]
    words = [f"--label={name}={value}" for name, value in found["Config"]["Labels"].items()]
    words += [f"--publish=127.0.0.1:{port}:{port}", f"--volume={operator.store}:{operator.store}:ro"]
    made = operator.machine.podman("create", f"--name=hal0-{slot}", *words, STUB, *found["Args"][1:])
    for word in verb:
        operator.machine.podman(word, f"hal0-{slot}")
    return made.strip()


def test_a_name_that_only_the_storage_knows_is_freed_and_the_event_says_so(operator: OperatorProcess) -> None:
    leftovers.storage_only(operator.machine, "hal0-chat", STUB)
    operator.start()
    healed(operator, "chat")
    until_event(operator, lambda event: event["reason"] == "Leftover" and event["slot"] == "chat")


def test_a_container_that_was_created_and_not_started_is_started(running: OperatorProcess) -> None:
    running.kill()
    made = twin(running, "chat")
    running.start()
    healed(running, "chat")
    assert running.cid("chat") == made


def test_a_container_that_was_initialized_and_not_started_is_made_anew(running: OperatorProcess) -> None:
    running.kill()
    made = twin(running, "chat", "init")
    running.start()
    healed(running, "chat")
    assert running.cid("chat") != made


def test_a_container_left_stopping_by_a_killed_service_is_stopped_and_serves_again(running: OperatorProcess) -> None:
    """Removed as it is, Podman 4.3 would orphan its process and its monitor, and with them the port."""
    before = converged(running)
    pid = running.container_pid("chat")
    running.stub("chat", ignore_term=1)
    with leftovers.dies(pid), leftovers.stopping(running.machine, before["hal0-chat"]):
        pass
    healed(running, "chat", pid)


def test_an_own_removal_that_a_killed_service_left_half_done_is_finished(running: OperatorProcess) -> None:
    before = converged(running)
    running.stub("chat", ignore_term=1)
    pid = running.container_pid("chat")
    with leftovers.dies(pid):
        running.home.slot("chat", model=BIGGER)
        leftovers.until_state(running.machine, before["hal0-chat"], "stopping")
        running.machine.kill_service()
        running.machine.start_service()
    healed(running, "chat", pid)
    assert "8192" in running.stub("chat")["argv"]


def test_a_process_that_outlives_its_removed_container_is_ended(running: OperatorProcess) -> None:
    """Service and monitor were killed during a stop: Podman removes the container, and the process goes on."""
    before = converged(running)
    running.stub("chat", ignore_term=1)
    pid = running.container_pid("chat")
    with leftovers.dies(pid), leftovers.stopping(running.machine, before["hal0-chat"]):
        leftovers.kill(leftovers.monitor(pid))
    healed(running, "chat", pid)


def test_a_monitor_and_process_that_podman_forgot_are_ended_for_the_port_that_they_hold(
    running: OperatorProcess,
) -> None:
    """Podman 4.3 answers well to the removal of one that is stopping, and leaves both running; 5 ends them."""
    before = converged(running)
    running.stub("chat", ignore_term=1)
    pid = running.container_pid("chat")
    with leftovers.dies(pid), leftovers.stopping(running.machine, before["hal0-chat"]):
        running.machine.podman("rm", "--force", "--time", "0", "hal0-chat")
    healed(running, "chat", pid)


@pytest.mark.parametrize("running_operator", [True, False], ids=["while-it-runs", "before-it-starts"])
def test_a_container_whose_monitor_and_process_were_killed_serves_again(
    running: OperatorProcess, running_operator: bool
) -> None:
    """Podman calls it running for ever, and starting it does nothing."""
    if not running_operator:
        running.kill()
    pid = running.container_pid("chat")
    leftovers.kill(leftovers.monitor(pid), pid)
    if not running_operator:
        running.start()
    healed(running, "chat", pid)


def test_copies_with_our_labels_are_reported_and_never_touched(running: OperatorProcess) -> None:
    before = converged(running)
    running.machine.podman("commit", "--quiet", "hal0-chat", "localhost/copy:1")
    copy = running.machine.podman("create", "--name=copy", "localhost/copy:1").strip()
    stray = running.until_condition("chat", "Stray")
    assert "copy" in stray["message"]
    os.kill(running.container_pid("chat"), 9)
    running.until(lambda slots: slots["chat"]["restarts"] == 1 and all_ready(slots))
    assert converged(running) == before | {"copy": copy}
    running.machine.podman("rm", "copy")
    running.until(lambda slots: not condition(slots["chat"], "Stray"))
    running.machine.podman("image", "rm", "localhost/copy:1")
