"""A slot's name that somebody else has: a leftover that cannot run is removed, a real container never touched."""

import time
from collections.abc import Iterator

import pytest

from tests.conformance.real import RealGround
from tests.e2e.awaited import condition, converged, until_event
from tests.support import podmans
from tests.support.machine import Machine
from tests.support.operator_process import OperatorProcess


@pytest.fixture
def ground(machine: Machine) -> Iterator[RealGround]:
    with podmans.client(machine) as podman:
        made = RealGround(machine, podman)
        yield made
        made.close()


def test_a_leftover_that_only_the_storage_knows_is_removed_and_the_event_says_so(
    operator: OperatorProcess, ground: RealGround
) -> None:
    ground.leftover("hal0-chat")
    operator.start()
    said = until_event(operator, lambda event: event["reason"] == "Leftover")
    assert said["slot"] == "chat"
    assert "hal0-chat" in said["message"]
    assert sorted(converged(operator)) == ["hal0-chat", "hal0-code", "hal0-util"]


def test_a_foreign_container_of_that_name_is_a_conflict_until_it_goes(operator: OperatorProcess) -> None:
    foreign = operator.machine.podman("create", "--name", "hal0-chat", "localhost/stub:1").strip()
    operator.start()
    conflict = operator.until_condition("chat", "NameConflict")
    assert foreign[:12] in conflict["message"]
    slots = operator.until(lambda slots: slots["code"]["phase"] == slots["util"]["phase"] == "Ready")
    assert slots["chat"]["phase"] == "Blocked"
    assert operator.cid("chat") == foreign
    assert operator.containers()["hal0-chat"]["State"] == "created", "it was not even started"

    before = operator.cids()
    operator.machine.podman("rm", foreign)
    operator.until_phase("chat", "Ready", seconds=5)  # told by Podman's event, not found after ten seconds
    after = converged(operator)
    assert after["hal0-chat"] != foreign
    assert {name: after[name] for name in ("hal0-code", "hal0-util")} == {
        name: before[name] for name in ("hal0-code", "hal0-util")
    }


def test_waiting_for_a_name_is_no_hot_loop(operator: OperatorProcess) -> None:
    operator.machine.podman("create", "--name", "hal0-chat", "localhost/stub:1")
    began = time.monotonic()
    operator.start()
    operator.until_condition("chat", "NameConflict")
    retries: set[str] = set()
    operator.until(lambda slots: retries.add(slots["chat"]["nextRetryAt"] or "") or len(retries) == 3)
    calls = operator.get("/metrics")
    assert 'hal0_podman_calls_total{status="name_in_use",verb="create"} 1.0' in calls
    (asked,) = (
        line for line in calls.splitlines() if line.startswith("hal0_podman_calls_total") and "list_name" in line
    )
    assert float(asked.split()[-1]) <= 2 + 2 * (time.monotonic() - began), "at the timer's pace of a second"
    assert condition(operator.slots()["chat"], "Stalled")["reason"] == "NameConflict"


def test_a_copy_of_our_container_is_reported_and_left_alone(running: OperatorProcess) -> None:
    before = running.cids()
    running.machine.podman("commit", "--quiet", "hal0-chat", "localhost/copied:1")
    copy = running.machine.podman("create", "--name", "mine", "localhost/copied:1").strip()
    stray = running.until_condition("chat", "Stray")
    assert "mine" in stray["message"]
    assert converged(running) == before | {"mine": copy}
    running.machine.podman("rm", "mine")
    running.machine.podman("rmi", "localhost/copied:1")
    running.until(lambda slots: not condition(slots["chat"], "Stray"))
