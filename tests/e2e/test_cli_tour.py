"""From an empty folder to a serving slot and back, by the command line alone."""

import json
import shutil
from pathlib import Path

import pytest

from tests.e2e.awaited import all_ready, converged
from tests.support.operator_process import OperatorProcess

OLD_HOME = Path(__file__).parents[1] / "homes" / "compat-first-profile-names-without-catalogue"


def done(operator: OperatorProcess, verb: str, *args: str, code: int = 0) -> str:
    ran = operator.hal0ctl(verb, *args)
    assert ran.returncode == code, f"{verb}: {ran.returncode}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


@pytest.fixture
def empty(operator: OperatorProcess) -> OperatorProcess:
    """Not even a home, and no operator."""
    shutil.rmtree(operator.home.path)
    return operator


def test_a_slot_comes_up_without_any_operator(empty: OperatorProcess) -> None:
    done(empty, "init")
    assert (empty.home.path / "slots" / "chat.toml").exists()
    done(empty, "validate")
    assert "nothing to do" in done(empty, "plan").lower(), "the starter slot has no model yet"
    empty.home.profile("stub")
    empty.home.slot("chat")

    done(empty, "validate")
    planned = done(empty, "plan", code=3)
    assert "create" in planned and "start" in planned
    plan = json.loads(done(empty, "plan", "-o", "json", code=3))
    assert [(action["slot"], action["verb"]) for action in plan["actions"]] == [("chat", "create"), ("chat", "start")]
    assert empty.cids() == {}, "a plan does nothing"

    done(empty, "apply", "--wait")
    before = empty.cids()
    assert list(before) == ["hal0-chat"]
    done(empty, "plan")
    listed = empty.hal0ctl("get", "slots", "-o", "json")
    assert listed.returncode == 0 and "no operator" in listed.stderr.lower()
    (chat,) = json.loads(listed.stdout)["items"]
    assert (chat["name"], chat["phase"], chat["container"]["id"]) == ("chat", "Ready", before["hal0-chat"])
    done(empty, "apply", "--wait")
    assert empty.cids() == before, "to apply again changes nothing"


def test_everything_that_a_person_asks_of_a_running_operator_is_answered(running: OperatorProcess) -> None:
    converged(running)
    assert [line.split()[0] for line in done(running, "get", "slots").splitlines()] == ["NAME", "chat", "code", "util"]
    assert json.loads(done(running, "get", "source", "-o", "json"))["kind"] == "directory"
    described = done(running, "describe", "chat")
    assert "--ctx-size 4096" in described and "slot\n" in described
    assert "Ready" in done(running, "events")
    assert "listening on" in done(running, "logs", "chat")
    assert "device.unknown" in done(running, "explain", "device.unknown")
    assert json.loads(done(running, "schema", "slot"))["properties"]
    assert "hal0ctl" in done(running, "completion", "bash")

    before = running.cids()
    done(running, "restart", "chat")
    running.until(lambda slots: all_ready(slots) and slots["chat"]["container"]["id"] != before["hal0-chat"])
    assert {name for name, id in running.cids().items() if id != before[name]} == {"hal0-chat"}
    near = running.hal0ctl("describe", "chta")
    assert near.returncode == 1 and "did you mean chat" in near.stderr


def test_doctor_tells_programs_what_it_found(running: OperatorProcess) -> None:
    ran = running.hal0ctl("doctor", "-o", "json")
    report = json.loads(ran.stdout)
    assert report["ok"] is (ran.returncode == 0)
    levels = {(finding["subject"], finding["level"]) for finding in report["findings"]}
    assert ("podman", "ok") in levels and ("operator", "ok") in levels and ("port rules", "ok") in levels
    assert all(finding["hint"] for finding in report["findings"] if finding["level"] != "ok")


def test_a_home_in_an_older_style_is_migrated_while_no_operator_holds_it(operator: OperatorProcess) -> None:
    shutil.rmtree(operator.home.path)
    shutil.copytree(OLD_HOME, operator.home.path)
    before = {path: path.read_bytes() for path in operator.home.path.rglob("*.toml")}
    shown = operator.hal0ctl("migrate")
    assert shown.returncode == 0 and "+" in shown.stdout
    assert {path: path.read_bytes() for path in before} == before, "shown, not written"
    operator.start()
    refused = operator.hal0ctl("migrate", "--write")
    assert refused.returncode == 1 and str(operator.pid) in refused.stderr
    assert operator.stop() == 0
    done(operator, "migrate", "--write")
    problems = json.loads(operator.hal0ctl("validate", "-o", "json").stdout)["problems"]
    assert "profile.retired" not in {problem["code"] for problem in problems}
    assert "nothing to migrate" in done(operator, "migrate")
