"""Slots whose files vanish: one goes, many are held until a person approves."""

import shutil

from tests.e2e.awaited import all_ready, converged, until_event
from tests.support.operator_process import OperatorProcess


def test_one_deleted_slot_file_takes_its_container_along_and_no_other(running: OperatorProcess) -> None:
    before = running.cids()
    running.home.delete("slots/util.toml")
    running.until_gone("util")
    assert running.cids() == {name: id for name, id in before.items() if name != "hal0-util"}


def test_a_renamed_slots_folder_removes_nothing_until_a_person_approves(running: OperatorProcess) -> None:
    before = running.cids()
    shutil.move(running.home.path / "slots", running.home.path / "slotz")
    for slot in ("chat", "code", "util"):
        held = running.until_condition(slot, "PruneHeld")
        assert "hal0ctl resume --prune" in held["message"]
        assert "slots folder is missing" in held["message"]
    plan = running.hal0ctl("plan")
    assert plan.returncode == 3
    assert plan.stdout.count("PruneHeld") == 3
    source = running.get("/api/source")
    assert any(one["type"] == "PruneHeld" and "chat, code, util" in one["message"] for one in source["conditions"])
    waited = running.hal0ctl("apply", "--wait")
    assert waited.returncode == 1
    assert "resume --prune" in waited.stderr
    assert running.cids() == before

    approved = running.hal0ctl("resume", "--prune")
    assert approved.returncode == 0, approved.stderr
    running.until(lambda slots: not slots)
    assert running.cids() == {}


def test_putting_the_folder_back_releases_the_hold(running: OperatorProcess) -> None:
    before = running.cids()
    shutil.move(running.home.path / "slots", running.home.path / "slotz")
    running.until_condition("chat", "PruneHeld")
    shutil.move(running.home.path / "slotz", running.home.path / "slots")
    running.until(
        lambda slots: all_ready(slots) and not any(c["type"] == "PruneHeld" for c in slots["chat"]["conditions"])
    )
    assert converged(running) == before
    refused = running.hal0ctl("resume", "--prune")
    assert refused.returncode == 1
    assert "nothing is held" in refused.stderr


def test_other_changes_go_on_while_a_removal_is_held(running: OperatorProcess) -> None:
    before = running.cids()
    for slot in ("chat", "code", "util"):
        running.home.delete(f"slots/{slot}.toml")
    running.until_condition("util", "PruneHeld")
    running.home.slot("fresh", port=running.home.ports[5])
    running.until_phase("fresh", "Ready")
    assert {name: id for name, id in running.cids().items() if name != "hal0-fresh"} == before
    # An approval is for what was shown then, and holds across a restart.
    assert running.hal0ctl("resume", "--prune").returncode == 0
    until_event(running, lambda event: event["reason"] == "Removed" and event["slot"] == "util")
    running.until(lambda slots: sorted(slots) == ["fresh"])
    assert sorted(running.cids()) == ["hal0-fresh"]
