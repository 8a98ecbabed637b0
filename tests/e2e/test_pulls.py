"""Images that are not here: fetched when they can be, and never in anybody else's way."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from tests.conformance.real import RealGround
from tests.e2e.awaited import all_ready, converged, until_event
from tests.support import podmans
from tests.support.machine import Machine
from tests.support.operator_process import OperatorProcess
from tests.support.registry import Registry, serving

SERVER = 'while [ "$1" != --port ]; do shift; done; echo ok > /www/health; exec httpd -f -p "$2" -h /www'
"""A server of some kilobytes that is healthy as llama-server is."""


@pytest.fixture
def registry(machine: Machine) -> Iterator[Registry]:
    """Not serving yet.  What was pulled from it is removed again; so name it before the operator, which ends first."""
    with podmans.client(machine) as podman, contextlib.closing(RealGround(machine, podman)) as ground:
        made = Registry(machine.registry_port, ground.folder / "root.tar", ["/bin/sh", "-c", SERVER, "sh"])
        machine.podman("rmi", "--force", made.image, check=False)
        yield made
        machine.wipe()
        machine.podman("rmi", "--force", made.image, check=False)


@pytest.fixture
def allowed(operator: OperatorProcess) -> OperatorProcess:
    """The registry of this machine is among the images that may be asked for; not started."""
    operator.configure(policy={"images": ["localhost/", f"localhost:{operator.machine.registry_port}/"]})
    return operator


@contextlib.contextmanager
def silent(port: int) -> Iterator[None]:
    """Connections come about and nothing is ever answered."""
    with socket.create_server(("127.0.0.1", port), backlog=64):
        yield


def wants(operator: OperatorProcess, image: str) -> None:
    operator.home.profile("pulled", image=image)
    operator.home.slot("code", profile="pulled")


def test_a_registry_that_never_answers_delays_one_slot_and_an_edit_gives_it_up_at_once(
    allowed: OperatorProcess,
) -> None:
    image = f"localhost:{allowed.machine.registry_port}/x:1"
    wants(allowed, image)
    with silent(allowed.machine.registry_port):
        allowed.start()
        slots = allowed.until(lambda slots: slots["chat"]["phase"] == slots["util"]["phase"] == "Ready")
        code = slots["code"] if slots["code"]["phase"] == "Pulling" else allowed.until_phase("code", "Pulling")
        assert image in code["blockedOn"]
        assert "since" in code["blockedOn"], "how long it has been going on"
        before = allowed.cids()
        allowed.home.slot("code")
        allowed.until_phase("code", "Ready", seconds=5)
    assert {name: id for name, id in allowed.cids().items() if name != "hal0-code"} == before


def test_a_slot_on_a_present_image_asks_no_registry(allowed: OperatorProcess) -> None:
    with socket.create_server(("127.0.0.1", allowed.machine.registry_port)) as listener:
        allowed.start()
        converged(allowed)
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert 'verb="pull"' not in allowed.get("/metrics")


def test_a_registry_that_is_down_is_tried_again_and_says_why(registry: Registry, allowed: OperatorProcess) -> None:
    wants(allowed, registry.image)
    allowed.start()
    failed = until_event(allowed, lambda event: event["reason"] == "PullFailed")
    assert failed["slot"] == "code"
    assert "refused" in failed["message"]
    code = allowed.until(lambda slots: "again at" in slots["code"]["blockedOn"])["code"]
    assert code["phase"] == "Pulling"
    assert code["nextRetryAt"]
    assert "refused" in code["blockedOn"]
    with serving(registry):
        allowed.until(all_ready)
    assert allowed.containers()["hal0-code"]["ImageID"] == registry.id


def test_two_slots_that_want_one_image_are_served_by_one_pull(registry: Registry, allowed: OperatorProcess) -> None:
    registry.gate.clear()
    wants(allowed, registry.image)
    allowed.home.slot("util", profile="pulled")
    with serving(registry):
        allowed.start()
        assert registry.waiting.wait(45)
        allowed.until(lambda slots: slots["code"]["phase"] == slots["util"]["phase"] == "Pulling")
        registry.gate.set()
        allowed.until(all_ready)
    assert 'hal0_podman_calls_total{status="ok",verb="pull"} 1.0' in allowed.get("/metrics")


def test_a_service_killed_in_the_middle_of_a_pull_costs_another_pull(
    registry: Registry, allowed: OperatorProcess
) -> None:
    registry.gate.clear()
    wants(allowed, registry.image)
    with serving(registry):
        allowed.start()
        allowed.until(lambda slots: slots["chat"]["phase"] == slots["util"]["phase"] == "Ready")
        assert registry.waiting.wait(45)
        before = allowed.cids()
        allowed.machine.kill_service()
        allowed.until_condition("chat", "PodmanUnavailable")
        assert allowed.slots()["chat"]["phase"] == "Ready", "its container serves whoever asks it"
        registry.gate.set()
        allowed.machine.start_service()
        allowed.until(all_ready)
    after = allowed.cids()
    assert {name: after[name] for name in before} == before
    assert allowed.containers()["hal0-code"]["ImageID"] == registry.id
