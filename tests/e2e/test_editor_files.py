"""Backups and locks beside the slot files are no slots."""

from tests.e2e.awaited import converged
from tests.support.operator_process import OperatorProcess

IGNORED = ("chat.toml~", "chat.toml.bak", ".chat.toml.swp", "4913", "#chat.toml#", "chat.toml.tmp")


def test_backups_and_locks_trigger_nothing_and_a_copy_is_reported_alone(running: OperatorProcess) -> None:
    before, home = converged(running), running.home.path
    source = running.get("/api/source")
    events = running.get("/api/events")["items"]
    for name in IGNORED:
        (home / "slots" / name).write_text('device = "npu"\n')
    (home / "slots/.#chat.toml").symlink_to("user@host.1:2")
    assert running.hal0ctl("apply").returncode == 0
    after = running.get("/api/source")
    assert (after["attempted"], after["problems"]) == (source["attempted"], [])
    assert running.get("/api/events")["items"] == events
    assert running.cids() == before

    (home / "slots/chat (copy).toml").write_text((home / "slots/chat.toml").read_text())
    running.until(lambda _: running.get("/api/source")["problems"])
    (problem,) = running.get("/api/source")["problems"]
    assert (problem["code"], problem["file"]) == ("slot.name", "slots/chat (copy).toml")
    assert running.hal0ctl("apply").returncode == 1
    assert running.cids() == before
