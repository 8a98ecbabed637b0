"""A push makes containers; whatever else happens to the repository leaves them as they are."""

import hashlib
import hmac
import os
import socket
import urllib.request
from collections.abc import Iterator

import pytest

from tests.e2e.awaited import until_event
from tests.e2e.repositories import Following
from tests.support.machine import Machine


@pytest.fixture
def following(machine: Machine) -> Iterator[Following]:
    """Started, with the first revision in force and all three slots Ready."""
    machine.wipe()
    made = Following(machine)
    made.push("three slots")
    made.start()
    assert made.synced()
    yield made
    made.close()


@pytest.fixture
def attentive(machine: Machine) -> Iterator[Following]:
    """The same, looking twice a second."""
    machine.wipe()
    made = Following(machine, interval_s=0.5)
    made.push("three slots")
    made.start()
    assert made.synced()
    yield made
    made.close()


def test_a_push_changes_what_it_says_and_nothing_else(following: Following) -> None:
    before = following.cids()
    assert sorted(before) == ["hal0-chat", "hal0-code", "hal0-util"]
    following.home.slot("chat", model={"default": "m.gguf", "context_size": 8192})
    commit = following.push("more context")
    assert following.synced() == commit
    after = following.cids()
    assert {name for name in before if after[name] != before[name]} == {"hal0-chat"}
    revision = following.get("/api/source")["revision"]
    assert (revision["author"], revision["subject"]) == ("Ada <ada@example.com>", "more context")


def test_a_broken_push_leaves_the_old_ones_serving_and_names_the_place_until_it_is_corrected(
    following: Following,
) -> None:
    before = following.cids()
    good = following.get("/api/source")["admitted"]
    file = following.home.path / "slots" / "chat.toml"
    text = file.read_text()
    file.write_text(f"colour = 3\n{text}")
    following.home.slot("util", model={"default": "m.gguf", "context_size": 8192})
    following.push("a typo, and more context for another")
    done = following.sync()
    assert done.returncode == 1
    assert "slots/chat.toml:1:1" in done.stderr
    assert following.source("Admitted")["message"].startswith("slot.schema slots/chat.toml:1:1: ")
    assert following.get("/api/source")["admitted"] == good
    for slot in ("chat", "util"):
        assert "slots/chat.toml:1:1" in following.until_condition(slot, "Admitted", "False")["message"]
    assert following.cids() == before
    assert following.stub("chat")
    assert "hal0_gitops_refused 1.0" in following.get("/metrics")
    file.write_text(text)
    correction = following.push("the correction")
    assert following.synced() == correction
    assert following.source("Admitted")["status"] == "True"
    changed = {name for name, id in following.cids().items() if before[name] != id}
    assert changed == {"hal0-util"}


def test_a_revert_and_a_force_push_are_followed(following: Following) -> None:
    first = following.get("/api/source")["admitted"]
    following.home.delete("slots/util.toml")
    following.push("one less")
    following.synced()
    assert "hal0-util" not in following.cids()
    following.git("revert", "--no-edit", "HEAD")
    following.git("push", "-q", "origin", "main")
    following.synced()
    assert "hal0-util" in following.cids()
    following.git("reset", "-q", "--hard", first)
    following.home.slot("extra", port=following.home.ports[5])
    rewritten = following.push("another history", "--amend")
    following.git("reflog", "expire", "--expire=now", "--all", at=following.bare)
    following.git("gc", "-q", "--prune=now", at=following.bare)
    assert following.synced() == rewritten
    assert sorted(following.cids()) == ["hal0-chat", "hal0-code", "hal0-extra", "hal0-util"]


def test_a_rollback_holds_over_pushes_and_a_restart_until_it_is_resumed(following: Following) -> None:
    first = following.get("/api/source")["admitted"]
    following.home.delete("slots/util.toml")
    following.push("one less")
    following.synced()
    done = following.hal0ctl("rollback", "--wait")
    assert done.returncode == 0, done.stderr
    assert "resume --source" in done.stdout
    assert following.get("/api/source")["admitted"] == first
    assert "hal0-util" in following.cids()
    following.home.slot("extra", port=following.home.ports[5])
    newest = following.push("one more")
    assert following.sync().returncode == 0
    following.stop()
    following.start()
    before = following.cids()
    assert following.sync().returncode == 0
    assert following.cids() == before
    assert newest[:10] in following.source("SourceHeld")["message"]
    assert following.hal0ctl("resume", "--source").returncode == 0
    assert following.synced() == newest
    assert sorted(following.cids()) == ["hal0-chat", "hal0-code", "hal0-extra"]


def test_a_branch_that_goes_changes_nothing_and_its_return_is_followed_by_itself(attentive: Following) -> None:
    before = attentive.cids()
    attentive.git("update-ref", "-d", "refs/heads/main", at=attentive.bare)
    event = until_event(attentive, lambda event: event["reason"] == "SourceGone")
    assert "main" in event["message"]
    assert attentive.source("SourceGone")["reason"] == "NoRef"
    assert attentive.source("Ready")["status"] == "False"
    assert attentive.cids() == before
    attentive.home.delete("slots/util.toml")
    attentive.push("back, with one less")
    attentive.until_gone("util")
    assert attentive.source("SourceGone") == {}
    assert {**before, **attentive.cids()} == before


def test_a_revision_that_deletes_most_slots_is_held_until_a_person_approves(following: Following) -> None:
    before = following.cids()
    for slot in ("chat", "code", "util"):
        following.home.delete(f"slots/{slot}.toml")
    following.home.slot("fresh", port=following.home.ports[5])
    following.push("away with them")
    done = following.sync()
    assert done.returncode == 1
    assert "chat, code, util" in done.stderr
    assert "hal0ctl resume --prune" in done.stderr
    assert following.source("PruneHeld")["status"] == "True"
    assert following.cids() == before
    assert following.hal0ctl("resume", "--prune").returncode == 0
    following.until_phase("fresh", "Ready")
    following.until(lambda slots: list(slots) == ["fresh"])
    assert list(following.cids()) == ["hal0-fresh"]


def test_a_restart_without_the_remote_keeps_and_heals_what_the_last_revision_says(following: Following) -> None:
    before = following.cids()
    following.kill()
    following.lose_the_remote()
    os.kill(following.container_pid("util"), 9)
    following.start()
    following.until(lambda slots: [slot["phase"] for slot in slots.values()] == ["Ready"] * 3)
    assert following.cids() == before
    until_event(following, lambda event: event["reason"] in ("SourceGone", "SourceUnreachable"))
    assert following.source("Ready")["status"] == "False"
    following.find_the_remote()
    assert following.synced()
    assert following.source("Ready")["status"] == "True"


def test_without_an_operator_the_verbs_use_the_last_revision(following: Following) -> None:
    before = following.cids()
    following.stop()
    following.lose_the_remote()
    assert following.hal0ctl("validate").returncode == 0
    plan = following.hal0ctl("plan")
    assert (plan.returncode, plan.stdout) == (0, "nothing to do\n"), plan.stderr
    assert following.hal0ctl("get", "slots", "-o", "name").stdout.split() == ["chat", "code", "util"]
    following.machine.podman("rm", "-f", "-t", "0", "hal0-util")
    done = following.hal0ctl("apply", "--wait")
    assert done.returncode == 0, done.stderr
    assert {name: id for name, id in following.cids().items() if name != "hal0-util"} == {
        name: id for name, id in before.items() if name != "hal0-util"
    }


def test_a_slot_that_is_suspended_here_stays_as_it_is_whatever_is_pushed(following: Following) -> None:
    cid = following.cid("chat")
    assert following.hal0ctl("suspend", "chat", "--reason", "a demo").returncode == 0
    following.home.slot("chat", model={"default": "m.gguf", "context_size": 8192})
    following.push("more context")
    done = following.sync()
    assert done.returncode == 0
    assert "chat: Suspended" in done.stderr
    assert "(skipped)" in done.stderr
    following.stop()
    following.start()
    following.synced()
    assert following.cid("chat") == cid
    following.home.slot("chat", operator={"suspend": True})
    following.push("suspended there")
    following.synced()
    resumed = following.hal0ctl("resume", "chat")
    assert resumed.returncode == 1
    assert "still suspends it" in resumed.stdout
    assert following.cid("chat") == cid


def test_a_signed_call_of_the_webhook_brings_a_push_at_once(machine: Machine) -> None:
    machine.wipe()
    following = Following(machine)
    try:
        secret = following.folder / "secret"
        secret.write_text("wild-rose\n")
        url = f"file://{following.bare}"
        hook = {"url": url, "interval_s": 3600, "webhook_secret_file": str(secret)}
        following.configure(gitops=hook)
        following.push("three slots")
        following.start()
        following.synced()
        following.home.delete("slots/util.toml")
        following.push("one less")
        body = b'{"ref": "refs/heads/main"}'
        signature = hmac.new(b"wild-rose", body, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature-256": f"sha256={signature}", "X-GitHub-Delivery": "d1"}
        request = urllib.request.Request(f"http://{following.listen}/hooks/git", body, headers, method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 202
        following.until_gone("util")
        assert 'hal0_gitops_webhook_total{result="accepted"} 1.0' in following.get("/metrics")
    finally:
        following.close()


def test_an_operator_whose_remote_hangs_serves_and_ends_as_any_other(machine: Machine) -> None:
    machine.wipe()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/home.git"
        following = Following(machine, url=url)
        try:
            following.start()
            connection, _ = silent.accept()
            with connection:
                assert following.source("Reconciling")["message"] == f"looking at {url}"
                assert following.slots() == {}
                assert following.stop() == 0
        finally:
            following.close()


def test_a_link_that_leaves_the_repository_is_refused_and_nothing_of_its_target_is_told(following: Following) -> None:
    before = following.cids()
    (following.folder / "private").write_text("canary-7f3a = 1\n")
    (following.home.path / "slots" / "spy.toml").symlink_to(following.folder / "private")
    following.push("a spy")
    done = following.sync()
    assert done.returncode == 1
    condition = following.source("SourceRefused")
    assert "slots/spy.toml" in condition["message"]
    assert following.source("Admitted")["message"] == f"gitops.refused {condition['message']}"
    assert "hal0_gitops_refused 1.0" in following.get("/metrics")
    assert following.cids() == before
    told = [following.get("/api/source"), following.get("/api/events"), following.get("/metrics"), done.stderr]
    assert "canary" not in f"{told}{following.said()}"
    (following.home.path / "slots" / "spy.toml").unlink()
    following.push("no spy")
    following.synced()
    assert following.source("SourceRefused") == {}
    assert following.source("Admitted")["status"] == "True"


def test_a_rollback_of_a_suspended_source_is_waited_for_also_without_the_remote(following: Following) -> None:
    first = following.get("/api/source")["admitted"]
    following.home.delete("slots/util.toml")
    following.push("one less")
    following.synced()
    assert following.hal0ctl("suspend", "--source").returncode == 0
    following.lose_the_remote()
    done = following.hal0ctl("rollback", "--wait")
    assert (done.returncode, f"{first[:10]} (three slots" in done.stdout) == (0, True), done.stderr
    assert "hal0-util" in following.cids()


def test_a_wait_ends_at_once_where_the_branch_never_was_there(machine: Machine) -> None:
    machine.wipe()
    made = Following(machine, branch="mian")
    made.push("three slots")
    try:
        made.start()
        done = made.sync()
        assert (done.returncode, "has no branch `mian`" in done.stderr) == (1, True), done.stderr
    finally:
        made.close()
