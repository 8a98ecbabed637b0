"""A swap happens for a change that matters, after all that can be known before it, and for nothing else."""

import json
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.awaited import all_ready, condition, container_id, converged, until_event
from tests.support.operator_process import OperatorProcess


@contextmanager
def asked_all_the_time(port: int) -> Iterator[list[str]]:
    """A request every 50 ms; the list holds what went wrong."""
    faults: list[str] = []
    done = threading.Event()

    def ask() -> None:
        while not done.wait(0.05):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=5) as answer:
                    answer.read()
            except OSError as failed:
                faults.append(str(failed))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield faults
    finally:
        done.set()
        asking.join()


def test_the_old_container_serves_while_what_its_successor_needs_is_missing(operator: OperatorProcess) -> None:
    operator.configure(policy={"devices": ["/dev/hal0-nonesuch"]})
    operator.home.profile("own")
    operator.home.slot("chat", profile="own")
    operator.start()
    before, home = converged(operator), operator.home
    with asked_all_the_time(home.ports[0]) as faults:
        home.profile("own", image="localhost/nonesuch:9")
        chat = operator.until(lambda slots: "nonesuch:9" in slots["chat"]["blockedOn"])["chat"]
        assert chat["phase"] == "Ready"
        assert condition(chat, "Ready")["status"] == "False", "it does not serve what the home asks for"
        plan = json.loads(operator.hal0ctl("plan", "-o", "json").stdout)
        verbs = [action["verb"] for action in plan["actions"] if action["slot"] == "chat"]
        assert verbs[:2] == ["pull", "remove"], "nothing is removed before the image is here"

        home.profile("own", devices=["/dev/hal0-nonesuch"])
        missing = operator.until_condition("chat", "DeviceMissing")
        assert "/dev/hal0-nonesuch" in missing["message"]

        home.profile("own")
        home.slot("chat", profile="own", model={"default": "absent.gguf"})
        missing = operator.until_condition("chat", "ModelMissing")
        assert "absent.gguf" in missing["message"]
        assert operator.hal0ctl("apply", "--wait").returncode == 1

        home.slot("chat", profile="own")
        operator.until(lambda slots: all_ready(slots) and not condition(slots["chat"], "ModelMissing"))
    assert faults == []
    assert converged(operator) == before, "what was taken back needs no swap"


def test_a_port_that_somebody_else_has_is_known_before_the_swap(running: OperatorProcess) -> None:
    before, taken = converged(running), running.home.ports[20]
    with socket.create_server(("127.0.0.1", taken)):
        running.home.slot("chat", port=taken)
        held = running.until_condition("chat", "PortHeld")
        assert str(taken) in held["message"]
        assert running.cids() == before
    running.until(lambda slots: slots["chat"]["port"] == taken and all_ready(slots))
    assert running.cid("chat") != before["hal0-chat"]


def test_an_edit_is_told_field_by_field_before_and_after_it_is_made(running: OperatorProcess) -> None:
    before = running.cids()
    running.home.slot("chat", model={"default": "m.gguf", "context_size": 8192})
    removed = until_event(running, lambda event: event["reason"] == "Removed" and event["slot"] == "chat")
    assert "context_size: 4096 → 8192" in removed["message"]
    after = converged(running)
    assert {name for name in after if after[name] != before[name]} == {"hal0-chat"}
    assert "8192" in running.stub("chat")["argv"]


def test_what_does_not_matter_swaps_nothing(running: OperatorProcess) -> None:
    before = converged(running)
    path, port = running.home.path / "slots/chat.toml", running.home.ports[0]
    texts = {
        "reordered": f'port = {port}\nprofile = "stub"\ndevice = "cpu"\n[model]\ncontext_size = 4096\ndefault = "m.gguf"\n',
        "commented": "# mine\n" + path.read_text() + "# the end\n",
        "windows": path.read_text().replace("\n", "\r\n"),
        "inline": f'device = "cpu"\nprofile = "stub"\nport = {port}\nmodel = {{ default = "m.gguf", context_size = 4096 }}\n',
        "dotted": f'device="cpu"\nprofile="stub"\nport={port}\nmodel.default="m.gguf"\nmodel.context_size = 4_096\n',
        "nested": f'[slot]\ndevice = "cpu"\nprofile = "stub"\nport = {port}\n[slot.model]\ndefault = "m.gguf"\ncontext_size = 4096\n',
        "defaults": path.read_text().replace("[model]", "enabled = true\nidle_timeout_s = 0\n\n[model]"),
    }
    for name, text in texts.items():
        running.home.save("slots/chat.toml", text)
        assert converged(running) == before, name
        assert [p for p in running.get("/api/source")["problems"] if p["severity"] == "error"] == [], name
    path.touch()
    profiles = running.home.path / "profiles.toml"
    profiles.write_text(f"# the same\n\n{profiles.read_text()}")
    assert converged(running) == before
    assert running.stop() == 0
    running.start()
    assert converged(running) == before


def test_a_profile_edit_swaps_its_slots_one_at_a_time_and_no_other(running: OperatorProcess) -> None:
    running.home.profile("shared")
    running.home.slot("chat", profile="shared")
    running.home.slot("code", profile="shared")
    before = converged(running)
    running.home.profile("shared", flags="--threads 3", env={"STUB_READY_AFTER": "0.5"})
    running.until(
        lambda slots: (
            all_ready(slots) and all(container_id(slots[name]) != before[f"hal0-{name}"] for name in ("chat", "code"))
        )
    )
    events = running.get("/api/events")["items"]
    first, second = (e["slot"] for e in events if e["reason"] == "Removed" and "threads" in e["message"])
    order = [(e["reason"], e["slot"]) for e in events]
    assert order.index(("Ready", first)) < order.index(("Removed", second)), "while one is swapped the other serves"
    after = running.cids()
    assert {name for name in after if after[name] != before[name]} == {"hal0-chat", "hal0-code"}
    assert "--threads" in running.stub("code")["argv"]


def test_a_broken_profile_edit_stops_at_the_first_slot(running: OperatorProcess) -> None:
    running.home.profile("shared", flags="--no-mmap")
    running.home.slot("chat", profile="shared")
    running.home.slot("code", profile="shared")
    before = converged(running)
    running.home.profile("shared", image="localhost/stub:2", flags="--no-mmap")
    slots = running.until(
        lambda slots: (
            sorted(type for slot in slots.values() for type in ("RolledBack", "ProfileHeld") if condition(slot, type))
            == ["ProfileHeld", "RolledBack"]
        )
    )
    held = next(name for name, slot in slots.items() if condition(slot, "ProfileHeld"))
    rolled = ({"chat", "code"} - {held}).pop()
    assert f"hal0ctl restart {rolled}" in condition(slots[held], "ProfileHeld")["message"]
    assert running.cid(held) == before[f"hal0-{held}"], "it was never touched"
    running.until(lambda slots: slots[rolled]["phase"] == "Ready")


def test_a_suspended_slot_shows_what_it_would_change_and_keeps_its_container(running: OperatorProcess) -> None:
    before = converged(running)
    assert running.hal0ctl("suspend", "chat", "--reason", "a long answer").returncode == 0
    running.home.profile("stub", flags="--threads 4")
    slots = running.until(
        lambda slots: (
            slots["chat"]["diff"]
            and all(container_id(slots[name]) not in ("", before[f"hal0-{name}"]) for name in ("code", "util"))
        )
    )
    assert slots["chat"]["phase"] == "Suspended"
    assert slots["chat"]["diff"] == [{"field": "flags --threads", "from": "", "to": "--threads 4"}]
    plan = json.loads(running.hal0ctl("plan", "-o", "json").stdout)
    (held,) = [held for held in plan["held"] if held["slot"] == "chat"]
    assert held["reason"] == "Suspended"
    assert "a long answer" in held["message"]
    assert "--threads 4" in held["message"]
    assert running.cid("chat") == before["hal0-chat"]
    assert running.hal0ctl("resume", "chat").returncode == 0
    running.until(lambda slots: all_ready(slots) and container_id(slots["chat"]) != before["hal0-chat"])
    assert "--threads" in running.stub("chat")["argv"]
