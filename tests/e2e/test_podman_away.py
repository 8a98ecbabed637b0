"""Podman hangs, or is gone: what is known stays, every answer comes from memory, and recovery needs nobody."""

import os
import shlex
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.awaited import all_ready, condition, container_id, converged
from tests.support import leftovers
from tests.support.operator_process import OperatorProcess

READS = ("/api/slots", "/api/slots/chat", "/api/profiles", "/api/capabilities", "/api/plan", "/api/source")
OTHERS = ("/api/events", "/api/openapi.json", "/metrics", "/healthz")
SLOWEST_S = 0.2


@pytest.fixture
def hung(running: OperatorProcess) -> Iterator[OperatorProcess]:
    """All slots were Ready; the Podman service accepts calls and answers none."""
    pid = running.machine.service_pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield running
    finally:
        os.kill(pid, signal.SIGCONT)


def readyz(operator: OperatorProcess) -> int:
    try:
        with urllib.request.urlopen(f"http://{operator.listen}/readyz", timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


def test_while_podman_hangs_every_read_answers_at_once_and_says_so(hung: OperatorProcess) -> None:
    known = hung.until(lambda slots: {condition(slot, "Ready")["status"] for slot in slots.values()} == {"Unknown"})
    assert {slot["phase"] for slot in known.values()} == {"Ready"}, "the last phase is kept"
    assert condition(known["chat"], "Ready")["reason"] == "PodmanUnavailable"
    assert any(c["type"] == "PodmanUnavailable" for c in hung.get("/api/source")["conditions"])
    assert readyz(hung) == 503
    slow = {}
    for path in READS + OTHERS:
        hung.get(path)  # what a first answer imports is not the hang's doing
        begun = time.monotonic()
        hung.get(path)
        if (took := time.monotonic() - begun) > SLOWEST_S:
            slow[path] = took
    assert slow == {}


def test_what_was_edited_and_what_died_while_podman_hung_is_done_afterwards(hung: OperatorProcess) -> None:
    before = {slot: container_id(status) for slot, status in hung.slots().items()}
    hung.until(lambda slots: condition(slots["chat"], "PodmanUnavailable"))
    hung.home.slot("chat", model={"default": "m.gguf", "context_size": 8192})
    hung.until(lambda slots: slots["chat"]["diff"])
    os.kill(hung.container_pid("code"), signal.SIGKILL)
    os.kill(hung.machine.service_pid, signal.SIGCONT)
    converged(hung)
    after = {slot: container_id(status) for slot, status in hung.slots().items()}
    assert {slot for slot in after if after[slot] != before[slot]} == {"chat"}
    assert "8192" in hung.stub("chat")["argv"]
    assert hung.slots()["code"]["restarts"] == 1
    assert readyz(hung) == 200


def test_an_operator_ends_within_seconds_although_podman_hangs(hung: OperatorProcess) -> None:
    hung.until(lambda slots: condition(slots["chat"], "PodmanUnavailable"))
    begun = time.monotonic()
    assert hung.stop() == 0
    assert time.monotonic() - begun < 4, "two seconds for the calls in flight, and what a busy machine takes"


def test_a_service_that_is_gone_is_missed_and_its_return_noticed(running: OperatorProcess) -> None:
    before = running.cids()
    running.machine.kill_service()
    missed = running.until(lambda slots: condition(slots["chat"], "PodmanUnavailable"))
    assert condition(missed["chat"], "Ready")["status"] == "Unknown"
    assert readyz(running) == 503
    running.machine.start_service()
    running.until(all_ready)
    assert converged(running) == before
    assert readyz(running) == 200


def test_an_operator_that_starts_before_podman_waits_for_it(operator: OperatorProcess) -> None:
    operator.machine.kill_service()
    try:
        operator.start()
        assert readyz(operator) == 503
    finally:
        operator.machine.start_service()
    operator.until(all_ready)


@pytest.fixture
def private(operator: OperatorProcess) -> OperatorProcess:
    """Nobody names a service: the operator starts its own, of the same store."""
    programs = operator.folder / "bin"
    programs.mkdir()
    podman = programs / "podman"
    podman.write_text(f'#!/bin/sh\nexec {shlex.join(operator.machine.command())} "$@"\n')
    podman.chmod(0o755)
    operator.podman_url = ""
    assert not Path("/run/podman/podman.sock").exists(), "the operator would find this machine's own service first"
    operator.start(PATH=f"{programs}:{os.environ['PATH']}", XDG_RUNTIME_DIR=str(operator.folder))
    operator.until(all_ready)
    return operator


def service(operator: OperatorProcess) -> int:
    """The pid of the private service."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"service" in words and f"unix://{operator.state}/podman.sock".encode() in words:
            return int(process.name)
    raise AssertionError("no private service runs")


def test_a_private_service_that_dies_is_started_again(private: OperatorProcess) -> None:
    before = converged(private)
    pid = service(private)
    leftovers.kill(pid)
    private.home.slot("chat", model={"default": "m.gguf", "context_size": 8192})
    after = converged(private)
    assert {name for name in after if after[name] != before[name]} == {"hal0-chat"}
    assert service(private) != pid


def test_a_private_service_ends_with_its_operator(private: OperatorProcess) -> None:
    with leftovers.dies(service(private)):
        assert private.stop() == 0
    assert sorted(row["State"] for row in private.containers().values()) == ["running"] * 3
