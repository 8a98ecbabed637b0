"""What a person does to a slot's container with Podman is undone."""

from tests.e2e.awaited import all_ready, container_id, converged, until_event
from tests.support.operator_process import OperatorProcess


def test_containers_stopped_removed_and_paused_by_hand_serve_again(running: OperatorProcess) -> None:
    before = running.cids()
    # It may complain that the container runs again before it has cleaned up.
    running.machine.podman("stop", "--time", "1", "hal0-chat", check=False)
    running.machine.podman("rm", "--force", "--time", "0", "hal0-code")
    running.machine.podman("pause", "hal0-util")
    slots = running.until(
        lambda slots: (
            slots["chat"]["restarts"] == 1
            and container_id(slots["code"]) not in ("", before["hal0-code"])
            and container_id(slots["util"]) not in ("", before["hal0-util"])
            and all_ready(slots)
        )
    )
    assert container_id(slots["chat"]) == before["hal0-chat"], "a stopped container is started, not made anew"
    assert {name: row["State"] for name, row in running.containers().items()} == dict.fromkeys(before, "running")
    for slot in ("chat", "code", "util"):
        assert running.stub(slot)["uptime"] > 0


def test_a_container_renamed_by_hand_is_replaced_by_one_of_the_right_name(running: OperatorProcess) -> None:
    before = running.cids()
    running.machine.podman("rename", "hal0-chat", "mine")
    running.until(lambda slots: container_id(slots["chat"]) not in ("", before["hal0-chat"]) and all_ready(slots))
    after = running.cids()
    assert sorted(after) == sorted(before)
    assert {name for name in after if after[name] != before[name]} == {"hal0-chat"}


def test_a_foreign_container_is_never_touched(running: OperatorProcess) -> None:
    foreign = running.machine.podman(
        "run", "--detach", "--name", "hal0x", "--label", "dev.hal0.slot=chat", "localhost/stub:1"
    ).strip()
    before = converged(running)
    running.home.slot("chat", model={"default": "m.gguf", "context_size": 8192})
    running.home.delete("slots/util.toml")
    until_event(running, lambda event: event["reason"] == "Removed" and event["slot"] == "util")
    after = converged(running)
    assert after["hal0x"] == foreign == before["hal0x"]
    assert running.containers()["hal0x"]["State"] == "running"
