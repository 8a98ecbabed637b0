"""The six things that a person does first."""

import os
import shutil
import signal

from typing import Any

from tests.support.operator_process import OperatorProcess


def _serves_anew(slot: dict[str, Any], before: str) -> bool:
    """Ready in another container than the one of this id."""
    return slot["phase"] == "Ready" and (slot["container"] or {}).get("id") not in (None, before)


def test_slot_files_become_serving_containers_with_what_the_files_say(running: OperatorProcess) -> None:
    assert sorted(running.cids()) == ["hal0-chat", "hal0-code", "hal0-util"]
    argv = running.stub("chat")["argv"]
    assert argv[argv.index("--port") + 1] == str(running.home.ports[0])
    assert argv[argv.index("--ctx-size") + 1] == "4096"
    assert argv[argv.index("--model") + 1] == f"{running.store}/m.gguf"


def test_an_edit_swaps_that_container_alone_and_says_why(running: OperatorProcess) -> None:
    before = running.cids()
    running.home.slot("chat", model={"default": "m.gguf", "context_size": 8192})
    running.until(lambda slots: _serves_anew(slots["chat"], before["hal0-chat"]))
    assert "8192" in running.stub("chat")["argv"]
    after = running.cids()
    assert {name for name in after if after[name] != before[name]} == {"hal0-chat"}
    assert any("context_size" in event["message"] for event in running.get("/api/events")["items"])


def test_a_broken_file_is_denied_with_its_place_and_the_old_container_keeps_serving(running: OperatorProcess) -> None:
    before = running.cids()
    running.home.save("slots/chat.toml", 'device = "gpu-rocmm"\nprofile = "stub"\n')
    denied = running.until_condition("chat", "Admitted", "False")
    assert denied["message"].startswith("device.unknown slots/chat.toml:1:10")
    assert running.stub("chat")["uptime"] > 0
    running.home.slot("chat")
    running.until_condition("chat", "Admitted", "True")
    assert running.cids() == before


def test_a_killed_model_process_is_started_again_in_its_own_container(running: OperatorProcess) -> None:
    before, pid = running.cids(), running.container_pid("chat")
    os.kill(pid, signal.SIGKILL)
    running.until(lambda slots: slots["chat"]["restarts"] == 1 and slots["chat"]["phase"] == "Ready")
    assert running.cids() == before
    assert running.container_pid("chat") != pid


def test_a_container_that_a_person_removes_comes_back(running: OperatorProcess) -> None:
    before = running.cid("chat")
    running.machine.podman("rm", "--force", "--time", "0", "hal0-chat")
    slots = running.until(lambda slots: _serves_anew(slots["chat"], before))
    assert running.cid("chat") == slots["chat"]["container"]["id"]


def test_containers_outlive_the_operator_and_the_next_one_touches_nothing(running: OperatorProcess) -> None:
    before, started = running.cids(), running.stub("chat")["uptime"]
    running.kill()
    assert running.cids() == before
    running.start()
    running.until(lambda slots: [slot["phase"] for slot in slots.values()] == ["Ready"] * 3)
    assert running.hal0ctl("apply").returncode == 0
    assert running.cids() == before
    assert running.stub("chat")["uptime"] > started
    assert running.stop() == 0
    assert running.cids() == before


def test_a_deleted_file_takes_its_container_along_and_a_vanished_folder_takes_none(running: OperatorProcess) -> None:
    running.home.delete("slots/util.toml")
    running.until_gone("util")
    assert sorted(running.cids()) == ["hal0-chat", "hal0-code"]

    before = running.cids()
    shutil.move(running.home.path / "slots", running.home.path / "slotz")
    held = running.until_condition("chat", "PruneHeld")
    assert "hal0ctl resume --prune" in held["message"]
    assert running.cids() == before
    shutil.move(running.home.path / "slotz", running.home.path / "slots")
    running.until(
        lambda slots: (
            all(slot["phase"] == "Ready" for slot in slots.values())
            and not any(c["type"] == "PruneHeld" for c in slots["chat"]["conditions"])
        )
    )
    assert running.cids() == before
