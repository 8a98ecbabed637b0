"""Machines that lack something: nothing crashes, the lack is named, and it works again by itself."""

import json
import subprocess
import time
from collections.abc import Iterator

import pytest
import watchfiles

from tests.e2e.awaited import all_ready, converged, until_event
from tests.images.build import STUB_STRICT
from tests.support.operator_process import OperatorProcess

BIGGER = {"default": "m.gguf", "context_size": 8192}


def until_gone(operator: OperatorProcess, type: str, seconds: float = 20) -> None:
    """Looks again after every write below the state directory."""
    end = time.monotonic() + seconds
    for _ in watchfiles.watch(operator.state, step=10, rust_timeout=100, yield_on_timeout=True):
        if not source_condition(operator, type):
            return
        assert time.monotonic() < end, source_condition(operator, type)


def source_condition(operator: OperatorProcess, type: str) -> str:
    """Its message; empty while there is none."""
    return next((c["message"] for c in operator.get("/api/source")["conditions"] if c["type"] == type), "")


def test_without_any_watch_an_edit_is_found_by_the_timer_and_the_lack_is_named(operator: OperatorProcess) -> None:
    # a user namespace has limits of its own: nobody else on this machine is short of watches
    none_left = 'echo 0 > /proc/sys/user/max_inotify_instances; exec "$@"'
    operator.wrapper = ["unshare", "--user", "--map-root-user", "sh", "-c", none_left, "sh"]
    operator.start()
    operator.until(all_ready)
    until_event(operator, lambda event: event["reason"] == "WatchFailed")
    assert "inotify" in source_condition(operator, "WatchFailed")
    before = operator.cids()
    operator.home.slot("chat", model=BIGGER)
    slots = operator.until(lambda slots: all_ready(slots) and slots["chat"]["container"]["id"] != before["hal0-chat"])
    assert slots["chat"]["phase"] == "Ready"
    assert "8192" in operator.stub("chat")["argv"]


@pytest.fixture
def cramped(operator: OperatorProcess) -> Iterator[OperatorProcess]:
    """All Ready, with the state on a disk of a quarter of a megabyte, which is full."""
    operator.state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(operator.state)], check=True)
    try:
        operator.start()
        converged(operator)
        fill(operator)
        yield operator
        operator.stop()
    finally:
        subprocess.run(["umount", "--lazy", str(operator.state)], check=True)


def fill(operator: OperatorProcess) -> None:
    with (operator.state / "ballast").open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError as full:
            assert full.strerror == "No space left on device"


def test_a_full_disk_below_the_state_stops_no_slot_and_is_named(cramped: OperatorProcess) -> None:
    before = cramped.cids()
    stored = {name: (cramped.state / name).read_bytes() for name in ("memory.json", "admitted.json")}
    cramped.home.slot("chat", model=BIGGER)
    cramped.until(lambda slots: all_ready(slots) and slots["chat"]["container"]["id"] != before["hal0-chat"])
    assert "No space left on device" in source_condition(cramped, "StateUnwritable")
    assert {name: (cramped.state / name).read_bytes() for name in stored} == stored, "old or new, never torn"
    refused = cramped.hal0ctl("suspend", "chat")
    assert refused.returncode == 1
    assert "No space left on device" in refused.stderr and "nothing was changed" in refused.stderr
    assert cramped.slots()["chat"]["phase"] == "Ready"

    (cramped.state / "ballast").unlink()
    until_gone(cramped, "StateUnwritable")
    memory = json.loads((cramped.state / "memory.json").read_bytes())
    assert memory["value"]["slots"]["chat"]["last_good"]["inputs"]["context_size"] == 8192
    admitted = json.loads((cramped.state / "admitted.json").read_bytes())
    assert "8192" in json.dumps(admitted)


def test_what_fails_while_the_disk_is_full_is_rolled_back_all_the_same(cramped: OperatorProcess) -> None:
    cramped.home.profile("strict", image=STUB_STRICT, flags="--no-mmap")
    cramped.home.slot("chat", profile="strict")
    cramped.until_condition("chat", "RolledBack")
    cramped.until(all_ready)
