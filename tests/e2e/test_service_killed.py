"""The Podman service is killed in the middle of calls, answers are lost or late: the loop converges all the same."""

import itertools
import json
import threading
from collections.abc import Iterator

import pytest

from tests.e2e.awaited import all_ready, condition, converged
from tests.support import leftovers
from tests.support.operator_process import OperatorProcess
from tests.support.podman_proxy import PodmanProxy

pytestmark = pytest.mark.leftovers

SIZES = itertools.count(5000)


@pytest.fixture
def proxy(operator: OperatorProcess) -> Iterator[PodmanProxy]:
    """Between the operator, not started yet, and its Podman."""
    made = PodmanProxy(operator.machine.socket, operator.folder / "proxy.sock")
    operator.podman_url = made.url
    yield made
    made.close()


def swap(operator: OperatorProcess, slot: str = "chat") -> int:
    """Ask for another context size, which takes a remove, a create and a start."""
    size = next(SIZES)
    operator.home.slot(slot, model={"default": "m.gguf", "context_size": size})
    return size


def serving(operator: OperatorProcess, size: int) -> None:
    """chat is Ready with this context size, and so are all others."""
    operator.until(lambda slots: all_ready(slots) and str(size) in command(operator))
    assert str(size) in operator.stub("chat")["argv"], operator.said()


def command(operator: OperatorProcess) -> list[str]:
    return operator.containers().get("hal0-chat", {}).get("Command") or []


class Killer:
    """Kills the service some milliseconds into the next call of a verb, and starts it again."""

    def __init__(self, operator: OperatorProcess, proxy: PodmanProxy) -> None:
        self._machine = operator.machine
        self._armed: tuple[str, float] | None = None
        self.done = threading.Event()
        proxy.before = self._before

    def arm(self, verb: str, after_ms: float) -> None:
        self.done.clear()
        self._armed = verb, after_ms / 1000

    def _before(self, verb: str) -> None:
        if self._armed is None or verb != self._armed[0]:
            return
        (_, after), self._armed = self._armed, None
        threading.Timer(after, self._kill).start()

    def _kill(self) -> None:
        self._machine.kill_service()
        self._machine.start_service()
        self.done.set()


@pytest.mark.parametrize("verb", ["create", "start", "remove"])
def test_a_service_killed_in_the_middle_of_a_call_leaves_nothing_for_long(
    operator: OperatorProcess, proxy: PodmanProxy, verb: str
) -> None:
    killer = Killer(operator, proxy)
    operator.start()
    others = {name: id for name, id in converged(operator).items() if name != "hal0-chat"}
    for after_ms in (1, 15, 40, 80, 140):
        killer.arm(verb, after_ms)
        size = swap(operator)
        assert killer.done.wait(20), f"no {verb} within 20 s:\n{operator.said()}"
        slots = operator.until(
            lambda slots: (
                (all_ready(slots) and str(size) in command(operator)) or condition(slots["chat"], "PortPathBroken")
            ),
            40,
        )
        if condition(slots["chat"], "PortPathBroken"):
            # the one leftover that the operator does not clear by itself: a port rule of the half done start
            fixed = operator.hal0ctl("doctor", "--fix")
            assert fixed.returncode == 0, fixed.stdout + fixed.stderr
        serving(operator, size)
        assert others.items() <= operator.cids().items(), operator.said()
    assert len(operator.cids()) == 3


@pytest.mark.parametrize("verb", ["create", "start", "remove"])
def test_a_call_whose_answer_was_lost_is_repeated_once_at_most(
    operator: OperatorProcess, proxy: PodmanProxy, verb: str
) -> None:
    operator.start()
    converged(operator)
    lost = threading.Event()

    def once(called: str) -> bool:
        if called != verb or lost.is_set():
            return False
        lost.set()
        return True

    proxy.cut = once
    proxy.calls.clear()
    size = swap(operator)
    serving(operator, size)
    made = {name: proxy.calls[name] for name in ("create", "start", "remove")}
    # one that shows no effect yet is repeated: its name, or its id, decides; a start is then one of a new container
    assert set(made.values()) <= {1, 2}, made
    if verb != "start":
        assert made == dict.fromkeys(made, 1) | {verb: made[verb]}, made


def test_lists_that_are_half_a_second_old_start_nothing_twice(operator: OperatorProcess, proxy: PodmanProxy) -> None:
    """Every list shows what was before the slot's own call, and tells of it afterwards."""
    proxy.lag_s = lambda verb: 0.5 if verb == "list" else 0
    operator.start()
    converged(operator)
    stop = threading.Event()

    def hints() -> None:
        while not stop.wait(0.05):
            operator.post("/api/reconcile")

    hinting = threading.Thread(target=hints)
    hinting.start()
    proxy.calls.clear()
    try:
        for count in range(1, 3):
            serving(operator, swap(operator))
            made = {name: proxy.calls[name] for name in ("create", "start", "remove")}
            assert made == dict.fromkeys(made, count), made
    finally:
        stop.set()
        hinting.join()


def test_after_a_reboot_everything_starts_again_in_its_own_container(running: OperatorProcess) -> None:
    """What ran is created, or exited with 0, and neither is a crash."""
    before = converged(running)
    running.kill()
    leftovers.reboot(running.machine)
    running.start()
    slots = running.until(all_ready)
    assert running.cids() == before
    assert {slot["restarts"] for slot in slots.values()} == {0}
    assert json.dumps(running.get("/api/events")).count("machine went down") == 3
