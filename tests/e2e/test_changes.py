"""One wish, both files, one commit, and the loop acts on it: by HTTP, and by hand edits that are carried over."""

import json
import tomllib
from contextlib import closing
from typing import Any

import pytest

from tests.e2e.awaited import all_ready, container_id, converged, until_event
from tests.support.operator_process import OperatorProcess
from tests.support.unix_http import Connection

EMBED = "/api/capabilities/embed/embed"
OVERLAY = "capabilities.toml"


def ask(operator: OperatorProcess, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Status and body of a write over the operator's socket file."""
    with closing(Connection(operator.socket, 10)) as connection:
        connection.request(method, path, json.dumps(body or {}), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def file(operator: OperatorProcess, name: str) -> dict[str, Any]:
    return tomllib.loads((operator.home.path / name).read_text())


def selected(operator: OperatorProcess) -> dict[str, Any]:
    return file(operator, OVERLAY)["selections"]["embed"]["embed"]


@pytest.fixture
def capable(operator: OperatorProcess) -> OperatorProcess:
    """Started, with the slot ``embed``, which is off and names no model; models one, two and three are there."""
    for name in ("one", "two", "three"):
        (operator.store / f"{name}.gguf").touch()
    operator.home.slot("embed", model=None, enabled=False, port=operator.home.ports[5])
    operator.start()
    converged(operator)
    return operator


def test_on_another_model_and_off_by_http(capable: OperatorProcess) -> None:
    status, shown = ask(capable, "PATCH", f"{EMBED}?dryRun=1", {"enabled": True, "model": "one.gguf"})
    assert status == 200
    assert {f["file"] for f in shown["files"]} == {OVERLAY, "slots/embed.toml"}
    promised = [(action["verb"], action["slot"]) for action in shown["actions"]]
    assert promised == [("create", "embed"), ("start", "embed")]
    assert "hal0-embed" not in capable.cids(), "a dry run does nothing"

    status, done = ask(capable, "PATCH", f"{EMBED}?by=ada", {"enabled": True, "model": "one.gguf"})
    assert (status, done["committed"], done["actions"]) == (200, True, shown["actions"])
    first = capable.until_phase("embed", "Ready")
    assert selected(capable)["enabled"] is True
    assert file(capable, "slots/embed.toml")["model"]["default"] == "one.gguf"
    committed = until_event(
        capable, lambda event: event["reason"] == "ChangeSetCommitted" and "ada" in event["message"]
    )
    assert "slots/embed.toml" in committed["message"]

    ask(capable, "PATCH", EMBED, {"model": "two.gguf"})
    swapped = capable.until(
        lambda slots: all_ready(slots) and container_id(slots["embed"]) not in ("", container_id(first))
    )["embed"]
    assert swapped["model"] == "two.gguf"

    ask(capable, "PATCH", EMBED, {"enabled": False})
    capable.until_phase("embed", "Off")
    assert "hal0-embed" not in capable.cids()
    assert selected(capable)["enabled"] is False
    assert file(capable, "slots/embed.toml")["enabled"] is False
    assert 'hal0_changesets_total{result="committed"}' in capable.get("/metrics")


def test_a_hand_edit_of_either_file_is_carried_over_to_the_other(capable: OperatorProcess) -> None:
    ask(capable, "PATCH", EMBED, {"enabled": True, "model": "one.gguf"})
    capable.until_phase("embed", "Ready")
    slot, overlay = capable.home.path / "slots/embed.toml", capable.home.path / OVERLAY

    capable.home.save("slots/embed.toml", slot.read_text().replace("one.gguf", "two.gguf") + "# by hand\n")
    capable.until(lambda slots: all_ready(slots) and slots["embed"]["model"] == "two.gguf")
    assert selected(capable)["model"] == "two.gguf"

    capable.home.save(OVERLAY, "# mine\n" + overlay.read_text().replace("two.gguf", "three.gguf"))
    capable.until(lambda slots: all_ready(slots) and slots["embed"]["model"] == "three.gguf")
    assert file(capable, "slots/embed.toml")["model"]["default"] == "three.gguf"
    assert slot.read_text().endswith("# by hand\n")
    assert overlay.read_text().startswith("# mine\n")

    before = capable.cids()
    assert capable.hal0ctl("suspend", "chat").returncode == 0
    capable.kill()
    capable.home.save(OVERLAY, overlay.read_text().replace("three.gguf", "chat.gguf"))
    capable.home.save("slots/embed.toml", slot.read_text().replace("three.gguf", "code.gguf"))
    capable.start()
    capable.until_condition("embed", "Admitted", "False")
    (problem,) = [p for p in capable.get("/api/source")["problems"] if p["code"] == "capability.conflict"]
    assert problem["file"] == OVERLAY
    assert "slots/embed.toml" in problem["message"]
    assert capable.slots()["embed"]["model"] == "three.gguf", "the old state stays in force"
    assert capable.cids() == before


def test_a_deleted_slot_file_switches_its_capability_off(capable: OperatorProcess) -> None:
    ask(capable, "PATCH", EMBED, {"enabled": True, "model": "one.gguf"})
    capable.until_phase("embed", "Ready")
    capable.home.delete("slots/embed.toml")
    capable.until_gone("embed")
    assert selected(capable)["enabled"] is False
    assert "hal0-embed" not in capable.cids()


def test_the_first_start_writes_the_overlay_that_the_slots_declare(operator: OperatorProcess) -> None:
    operator.home.slot("embed", port=operator.home.ports[5])
    before = {path.name: path.read_bytes() for path in (operator.home.path / "slots").iterdir()}
    operator.start()
    converged(operator)
    assert file(operator, OVERLAY)["selections"] == {
        "embed": {"embed": {"enabled": True, "device": "cpu", "model": "m.gguf"}}
    }
    assert {path.name: path.read_bytes() for path in (operator.home.path / "slots").iterdir()} == before
    (operator.home.path / OVERLAY).unlink()
    operator.stop()
    operator.start()
    converged(operator)
    assert not (operator.home.path / OVERLAY).exists(), "who removes it does not get it back"


def test_a_slot_is_created_edited_and_deleted_by_http(running: OperatorProcess) -> None:
    before = converged(running)
    port = running.home.ports[7]
    status, _ = ask(
        running, "POST", "/api/slots", {"name": "extra", "profile": "stub", "model": "m.gguf", "port": port}
    )
    assert status == 201
    assert running.until_phase("extra", "Ready")["device"] == "cpu"
    first = running.cid("extra")
    assert ask(running, "PATCH", "/api/slots/extra", {"model": {"context_size": 2048}})[0] == 200
    running.until(lambda slots: all_ready(slots) and container_id(slots["extra"]) not in ("", first))
    assert ask(running, "DELETE", "/api/slots/extra")[0] == 200
    running.until_gone("extra")
    assert not (running.home.path / "slots/extra.toml").exists()
    assert running.cids() == before


def test_a_device_that_changes_takes_the_profile_along_and_the_container_carries_it(running: OperatorProcess) -> None:
    """The devices are declared to be simulated, so that a GPU slot can run here."""
    running.stop()
    running.configure(devices={"gpu": [], "npu": []})
    running.home.profile("gpu-stub", device_class="gpu", backend="rocm")
    running.home.slot("code", device="gpu-rocm", profile="gpu-stub")
    running.start()
    converged(running)
    first = running.cid("code")
    status, body = ask(running, "PATCH", "/api/slots/code", {"profile": "stub"})
    assert status == 200, body
    slots = running.until(lambda slots: all_ready(slots) and container_id(slots["code"]) not in ("", first))
    assert (slots["code"]["device"], slots["code"]["profile"]) == ("cpu", "stub")
    assert file(running, "slots/code.toml")["device"] == "cpu"
    running.home.slot("code", device="gpu-rocm", profile="stub")
    running.until(lambda slots: slots["code"]["device"] == "gpu-rocm")
    assert file(running, "slots/code.toml")["profile"] == "rocm", "by hand as well: to the shipped one of the device"


def test_a_profile_edit_by_http_swaps_its_slots_one_after_the_other(running: OperatorProcess) -> None:
    converged(running)
    profile = file(running, "profiles.toml")["profile"]["stub"]
    status, body = ask(running, "PUT", "/api/profiles/stub", profile | {"flags": "--threads 3"})
    assert status == 200, body
    assert {action["slot"] for action in body["actions"]} == {"chat", "code", "util"}
    running.until(lambda slots: all_ready(slots) and all("--threads" in argv(running, name) for name in slots))
    assert ask(running, "DELETE", "/api/profiles/stub")[1]["error"]["code"] == "profiles.in_use"
    assert ask(running, "PUT", "/api/profiles/rocm", profile)[1]["error"]["code"] == "profiles.seed_immutable"


def argv(operator: OperatorProcess, slot: str) -> list[str]:
    return operator.stub(slot)["argv"]


def test_a_person_who_saves_while_changes_are_written_loses_nothing(running: OperatorProcess) -> None:
    converged(running)
    path = running.home.path / "slots/chat.toml"
    for size in range(1024, 1024 + 40):
        running.home.save("slots/chat.toml", path.read_text() + f"# save {size}\n")
        ask(running, "PATCH", "/api/slots/chat", {"model": {"context_size": size}})
    text = path.read_text()
    assert [line for line in text.splitlines() if line.startswith("# save")] == [
        f"# save {size}" for size in range(1024, 1024 + 40)
    ]


def test_a_home_that_cannot_be_written_is_merged_in_memory_and_says_so(capable: OperatorProcess) -> None:
    ask(capable, "PATCH", EMBED, {"enabled": True, "model": "one.gguf"})
    capable.until_phase("embed", "Ready")
    overlay = capable.home.path / OVERLAY
    lock = capable.home.path / ".hal0"
    lock.rename(capable.folder / "aside")
    lock.write_text("in the way")
    capable.home.save(OVERLAY, overlay.read_text().replace("one.gguf", "two.gguf"))
    capable.until(lambda slots: all_ready(slots) and slots["embed"]["model"] == "two.gguf")
    assert file(capable, "slots/embed.toml")["model"]["default"] == "one.gguf"
    assert [c for c in capable.get("/api/source")["conditions"] if c["type"] == "HomeUnwritable"]
    assert ask(capable, "PATCH", EMBED, {"model": "x"})[1]["error"]["code"] == "changeset.unwritten"
    lock.unlink()
    capable.post("/api/reconcile?wait=1")
    assert file(capable, "slots/embed.toml")["model"]["default"] == "two.gguf", "and written once it can be"
