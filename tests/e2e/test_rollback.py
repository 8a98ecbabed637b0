"""A change that does not work is taken back, once, and what worked serves again."""

from collections.abc import Iterator

import pytest

from tests.e2e import images
from tests.e2e.awaited import condition, container_id, converged, until_event
from tests.images.build import STUB, STUB_STRICT
from tests.support.operator_process import OperatorProcess

WORKED = "localhost/worked:1"


@pytest.fixture
def worked(operator: OperatorProcess) -> Iterator[OperatorProcess]:
    """All Ready; chat alone has its image and its profile."""
    with images.disposable(operator.machine):
        images.make(operator.machine, WORKED)
        operator.home.profile("own", image=WORKED)
        operator.home.slot("chat", profile="own")
        operator.start()
        converged(operator)
        yield operator
        operator.stop()


def never_ready(operator: OperatorProcess) -> None:
    operator.home.profile("own", image=STUB, env={"STUB_READY_AFTER": "3600"})
    operator.home.slot("chat", profile="own", operator={"ready_timeout_s": 2})


def test_an_image_that_never_gets_ready_is_rolled_back_and_stays_so(worked: OperatorProcess) -> None:
    before = worked.cids()
    never_ready(worked)
    rolled = worked.until_condition("chat", "RolledBack")
    assert "StartTimeout" in rolled["message"]
    assert "hal0ctl restart chat" in rolled["message"]
    worked.until(lambda slots: slots["chat"]["phase"] == "Ready")
    assert worked.containers()["hal0-chat"]["Image"] == WORKED
    after = worked.cids()
    assert {name for name in after if after[name] != before[name]} == {"hal0-chat"}

    plan = worked.hal0ctl("plan")
    assert plan.returncode == 3
    assert "held chat: RolledBack" in plan.stdout
    waited = worked.hal0ctl("apply", "--wait")
    assert waited.returncode == 1
    assert "RolledBack" in waited.stderr
    worked.kill()
    worked.start()
    worked.until_condition("chat", "RolledBack")
    worked.until(lambda slots: slots["chat"]["phase"] == "Ready")
    assert worked.cids() == after, "one attempt, remembered"


def test_a_prune_in_the_middle_of_a_failing_swap_does_not_hurt_the_rollback(worked: OperatorProcess) -> None:
    never_ready(worked)
    until_event(worked, lambda event: event["reason"] == "Started" and event["message"].endswith("first start"))
    # it fails when the operator removes the container that it has just found, which is all right too
    worked.machine.podman("container", "prune", "--force", check=False)
    worked.until_condition("chat", "RolledBack")
    worked.until(lambda slots: slots["chat"]["phase"] == "Ready")
    assert worked.containers()["hal0-chat"]["Image"] == WORKED


def test_a_rollback_whose_image_was_pruned_says_so(worked: OperatorProcess) -> None:
    before = worked.cid("chat")
    never_ready(worked)
    worked.until(lambda slots: container_id(slots["chat"]) not in ("", before))
    worked.machine.podman("system", "prune", "--all", "--force", "--filter", f"label={images.LABEL}")
    assert WORKED not in worked.machine.podman("images", "--format", "{{.Repository}}:{{.Tag}}")
    worked.until_condition("chat", "RolledBack")
    failed = until_event(worked, lambda event: event["reason"] == "PullFailed")
    assert WORKED in failed["message"]
    chat = worked.until_phase("chat", "Pulling")
    assert WORKED in chat["blockedOn"]
    images.make(worked.machine, WORKED)
    worked.until(lambda slots: slots["chat"]["phase"] == "Ready")


def test_an_operator_that_is_away_between_removal_and_creation_finds_the_way_back(worked: OperatorProcess) -> None:
    before = worked.cids()
    never_ready(worked)
    until_event(worked, lambda event: event["reason"] == "Removed" and event["slot"] == "chat")
    worked.kill()
    worked.machine.podman("container", "prune", "--force")
    worked.start()
    worked.until_condition("chat", "RolledBack")
    worked.until(lambda slots: slots["chat"]["phase"] == "Ready")
    after = worked.cids()
    assert {name for name in after if after[name] != before[name]} == {"hal0-chat"}
    assert worked.containers()["hal0-chat"]["Image"] == WORKED


def test_an_image_that_no_longer_knows_a_flag_is_rolled_back_with_the_flag_and_its_source(
    worked: OperatorProcess,
) -> None:
    worked.home.profile("own", image=WORKED, flags="--no-mmap")
    before = converged(worked)
    worked.home.profile("own", image=STUB_STRICT, flags="--no-mmap")
    rolled = worked.until_condition("chat", "RolledBack")
    assert "invalid argument: --no-mmap" in rolled["message"]
    assert "profile own" in rolled["message"]
    chat = worked.until(lambda slots: slots["chat"]["phase"] == "Ready")["chat"]
    assert condition(chat, "Ready")["status"] == "True"
    assert worked.containers()["hal0-chat"]["Image"] == WORKED
    after = worked.cids()
    assert {name for name in after if after[name] != before[name]} == {"hal0-chat"}
    # any new content of the profile is a new attempt
    worked.home.profile("own", image=STUB_STRICT, flags="")
    worked.until(lambda slots: slots["chat"]["phase"] == "Ready" and not condition(slots["chat"], "RolledBack"))
    converged(worked)
    assert worked.containers()["hal0-chat"]["Image"] == STUB_STRICT
