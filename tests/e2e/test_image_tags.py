"""A tag that moves under a running container is shown, and acted on only when a person says so."""

import json
from collections.abc import Iterator

import pytest

from tests.e2e import images
from tests.e2e.awaited import all_ready, condition, converged
from tests.images.build import STUB
from tests.support.operator_process import OperatorProcess

TAG = "localhost/moving:1"


@pytest.fixture
def tagged(operator: OperatorProcess) -> Iterator[OperatorProcess]:
    """The slot chat serves from a tag that may move."""
    with images.disposable(operator.machine):
        images.make(operator.machine, TAG)
        operator.home.profile("moving", image=TAG)
        operator.home.slot("chat", profile="moving")
        operator.start()
        converged(operator)
        yield operator
        operator.stop()


def test_a_moved_tag_is_drift_in_status_and_plan_and_no_swap(tagged: OperatorProcess) -> None:
    before = tagged.cids()
    old = tagged.containers()["hal0-chat"]["ImageID"]
    new = images.make(tagged.machine, TAG, STUB_CHUNKS="4")
    drift = tagged.until_condition("chat", "ImageDrift")
    assert old[:12] in drift["message"]
    assert new[:12] in drift["message"]
    assert "hal0ctl restart" in drift["message"]
    plan = tagged.hal0ctl("plan", "-o", "json")
    assert plan.returncode == 3
    body = json.loads(plan.stdout)
    assert body["actions"] == []
    assert [(held["slot"], held["reason"]) for held in body["held"]] == [("chat", "ImageDrift")]
    assert converged(tagged) == before
    assert tagged.slots()["chat"]["phase"] == "Ready"

    assert tagged.hal0ctl("restart", "chat").returncode == 0
    tagged.until(lambda slots: all_ready(slots) and not condition(slots["chat"], "ImageDrift"))
    assert tagged.containers()["hal0-chat"]["ImageID"] == new
    assert {name for name, id in tagged.cids().items() if id != before[name]} == {"hal0-chat"}


def test_a_container_whose_tag_is_gone_goes_on_and_is_healed(tagged: OperatorProcess) -> None:
    before, pid = tagged.cids(), tagged.container_pid("chat")
    tagged.machine.podman("untag", TAG)
    assert converged(tagged) == before
    tagged.machine.podman("kill", "hal0-chat")
    tagged.until(lambda slots: slots["chat"]["restarts"] == 1 and all_ready(slots))
    assert tagged.cids() == before, "a start needs no tag"
    assert tagged.container_pid("chat") != pid


def test_a_rollback_goes_back_to_the_image_that_worked_and_not_to_what_its_tag_says_now(
    tagged: OperatorProcess,
) -> None:
    worked = tagged.containers()["hal0-chat"]["ImageID"]
    images.make(tagged.machine, TAG, "localhost/stub:2")  # knows no --no-mmap any more
    tagged.home.profile("moving", image=TAG, flags="--no-mmap")
    rolled = tagged.until_condition("chat", "RolledBack")
    assert "--no-mmap" in rolled["message"]
    tagged.until(lambda slots: slots["chat"]["phase"] == "Ready")
    assert tagged.containers()["hal0-chat"]["ImageID"] == worked
    assert "--no-mmap" not in tagged.stub("chat")["argv"]


def test_a_restart_onto_a_bad_image_loops_with_the_line_that_says_why(tagged: OperatorProcess) -> None:
    tagged.home.profile("moving", image=TAG, flags="--no-mmap")
    before = converged(tagged)
    images.make(tagged.machine, TAG, "localhost/stub:2")
    tagged.until_condition("chat", "ImageDrift")
    assert tagged.hal0ctl("restart", "chat").returncode == 0
    tagged.until_phase("chat", "CrashLoop")
    chat = tagged.until(lambda slots: slots["chat"]["nextRetryAt"] and slots["chat"]["restarts"] >= 3)["chat"]
    message = condition(chat, "Ready")["message"]
    assert "invalid argument: --no-mmap" in message
    assert "profile moving" in message, "where the flag comes from"
    assert "invalid argument: --no-mmap" in tagged.hal0ctl("logs", "chat", "--previous").stdout
    others = tagged.slots()
    assert (others["code"]["phase"], others["util"]["phase"]) == ("Ready", "Ready")
    after = tagged.cids()
    assert {name: after[name] for name in ("hal0-code", "hal0-util")} == {
        name: before[name] for name in ("hal0-code", "hal0-util")
    }
    tagged.machine.podman("tag", STUB, TAG)
    assert tagged.hal0ctl("restart", "chat").returncode == 0
    tagged.until_phase("chat", "Ready")
