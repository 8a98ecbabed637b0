"""A profile cannot go while slots use it, and never does another one take its place in silence."""

import tomllib

import tomli_w

from tests.e2e.awaited import all_ready, container_id, converged
from tests.support.operator_process import OperatorProcess


def without(operator: OperatorProcess, name: str) -> str:
    table = tomllib.loads((operator.home.path / "profiles.toml").read_text())["profile"]
    del table[name]
    return tomli_w.dumps({"profile": table})


def test_a_used_profile_that_is_deleted_stays_in_force_and_is_an_error(running: OperatorProcess) -> None:
    running.home.profile("tuned", flags="--threads 2")
    running.home.slot("chat", profile="tuned")
    before = converged(running)
    running.home.save("profiles.toml", without(running, "tuned"))
    refused = running.hal0ctl("apply")
    assert refused.returncode == 1
    assert "profiles.in_use" in refused.stderr
    (problem,) = running.get("/api/source")["problems"]
    assert (problem["code"], problem["file"]) == ("profiles.in_use", "profiles.toml")
    assert "chat" in problem["message"]
    assert running.cids() == before
    assert "tuned" in running.hal0ctl("get", "profiles", "-o", "name").stdout.split()

    running.kill()
    alone = running.hal0ctl("apply", "--wait")
    assert alone.returncode == 1
    assert "profiles.in_use" in alone.stderr
    running.start()
    running.until(lambda slots: [slot["phase"] for slot in slots.values()] == ["Ready"] * 3)
    assert running.cids() == before, "what counts is what was admitted, also for the next operator"


def test_a_profile_whose_slots_move_in_the_same_save_may_go(running: OperatorProcess) -> None:
    running.home.profile("tuned", flags="--threads 2")
    running.home.slot("chat", profile="tuned")
    before = converged(running)
    running.home.save("profiles.toml", without(running, "tuned"))
    running.home.slot("chat")
    running.until(lambda slots: all_ready(slots) and container_id(slots["chat"]) != before["hal0-chat"])
    assert running.get("/api/source")["problems"] == []
    assert "--threads" not in running.stub("chat")["argv"]
    assert "tuned" not in running.hal0ctl("get", "profiles", "-o", "name").stdout.split()
