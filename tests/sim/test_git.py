"""A home from a repository that changes, fails and lies: random runs, and what each rule is about alone.

``GIT_RUNS`` and ``SEED`` choose the seeds; ``python -m tests.sim --home git`` plays them without pytest.
"""

import contextlib
import os
import random
from collections import Counter
from collections.abc import Iterator

import msgspec
import pytest

from hal0_operator.model.settings import GitopsSettings
from tests.sim.coverage import Coverage, counted
from tests.sim.faults import Faults
from tests.sim.follower import FOLLOWED, Follower
from tests.sim.git_scenarios import four, push, push_a_bad_one
from tests.sim.home import slot
from tests.sim.invariants import Invariants, converged
from tests.sim.play import play
from tests.sim.revisions import Revisions
from tests.sim.scenarios import SETTLE_S

RUNS = int(os.environ.get("GIT_RUNS", "6"))
SEED = int(os.environ.get("SEED", "0"))


@contextlib.contextmanager
def following(gitops: GitopsSettings = FOLLOWED, faults: Faults | None = None) -> Iterator[Follower]:
    """Its first revision is in force."""
    sim = Follower(four(), faults=faults, gitops=gitops)
    with contextlib.closing(sim):
        Invariants(sim, Revisions)
        sim.run(SETTLE_S)
        assert converged(sim) == []
        yield sim


def in_force(sim: Follower) -> str:
    return sim.operator.source().admitted


@pytest.mark.timeout(3600)
def test_under_random_trouble_one_whole_good_revision_is_in_force_and_in_the_end_the_newest() -> None:
    coverage = Coverage()
    with counted(coverage):
        for seed in range(SEED, SEED + RUNS):
            play(seed, git=True, hints=seed % 3 != 0, coverage=coverage)
    assert coverage.source["admitted"] > RUNS
    assert coverage.source["refused"] > 0
    if RUNS >= 200:
        assert coverage.missing() == []


@pytest.mark.timeout(600)
def test_a_fresh_seed_holds_too() -> None:
    seed = random.SystemRandom().randrange(1 << 30)
    print(f"fresh seed {seed}")
    play(seed, git=True, hints=seed % 4 != 0)


@pytest.mark.parametrize("interval_s", [5, 60])
def test_without_any_webhook_a_push_is_in_force_after_one_interval(interval_s: float) -> None:
    gitops = msgspec.structs.replace(FOLLOWED, interval_s=interval_s)
    with following(gitops, Faults(hints=False)) as sim:
        push(sim, chat=8192, settle=interval_s * 1.1 + 2)
        assert in_force(sim) == sim.repository.branch


def test_a_remote_that_failed_for_long_is_looked_at_within_the_longest_pause() -> None:
    gitops = msgspec.structs.replace(FOLLOWED, interval_s=60)
    with following(gitops, Faults(hints=False)) as sim:
        sim.repository.reachable = False
        push(sim, chat=8192, settle=3600)
        sim.repository.reachable = True
        sim.run(480 * 1.1 + 2)
        assert in_force(sim) == sim.repository.branch


def test_a_refused_revision_is_answered_by_no_call_to_podman() -> None:
    with following() as sim:
        good, done = in_force(sim), list(sim.done)
        push_a_bad_one(sim, settle=600)
        assert sim.operator.source().attempted == sim.repository.branch
        assert (in_force(sim), sim.done) == (good, done)


def test_behind_a_good_revision_a_refused_one_changes_nothing_of_what_that_does() -> None:
    def done(*, bad: bool) -> Counter[tuple[str, str]]:
        with following() as sim:
            push(sim, chat=8192, settle=0.9)
            assert sim.reconciler.begun, "the bad one comes while the good one is being carried out"
            if bad:
                push_a_bad_one(sim)
            sim.run(60)
            assert sim.operator.source().admitted == sim.repository.tips[1]
            return Counter(sim.done)

    assert done(bad=True) == done(bad=False)


def test_a_revision_that_cannot_be_read_after_the_state_was_lost_does_not_hold_up_the_next() -> None:
    with following() as sim:
        sim.disk.break_file(f"/state/revisions/{in_force(sim)}/slots/chat.toml")
        sim.lose("admitted")
        sim.run(SETTLE_S)
        assert in_force(sim) == ""
        assert sim.operator.source().conditions[0].status == "Unknown"
        push(sim, chat=8192, settle=60)
        assert in_force(sim) == sim.repository.branch
        assert converged(sim) == []


@pytest.mark.parametrize("held", [True, False])
def test_a_revision_whose_folder_went_before_it_was_read_is_exported_again(held: bool) -> None:
    with following() as sim:
        first = in_force(sim)
        push(sim, chat=8192)
        sim.machine.hung_until = sim.time + 10
        sim.crash()
        sim.run(1)
        if held:
            sim.steer("rollback", first[:10], "test")
        else:
            push(sim, chat=2048, settle=0)
            sim.steer("sync")
        sim.run(1)
        sim.git.forget()
        sim.run(60)
        assert in_force(sim) == (first if held else sim.repository.branch)
        assert converged(sim) == []


def test_after_podman_was_away_only_the_newest_revision_is_decided() -> None:
    with contextlib.closing(Follower(four())) as sim:
        Invariants(sim, Revisions)
        sim.machine.hung_until = sim.time + 30
        sim.crash()
        sim.run(5)
        push(sim, chat=8192, settle=0)
        sim.steer("sync")
        sim.run(60)
        assert in_force(sim) == sim.repository.branch
        assert (sim.seen["admitted"], converged(sim)) == (1, [])


def test_what_was_being_decided_while_newer_ones_came_is_noted_all_the_same() -> None:
    with following(msgspec.structs.replace(FOLLOWED, keep=1)) as sim:
        sim.away.durations["present"] = 6
        for context in (8192, 2048):
            push(sim, chat=context, settle=0)
            sim.steer("sync")
            sim.run(1.2)
        push_a_bad_one(sim, settle=0)
        sim.steer("sync")
        sim.run(30)
        assert sim.admission.refused
        assert in_force(sim) == sim.repository.tips[1]
        assert sim.sync.memory.admitted.commit == in_force(sim)


def test_a_suspended_source_is_not_even_looked_at() -> None:
    with following() as sim:
        sim.steer("suspend", "test", "")
        good, asked = in_force(sim), sim.git.asked
        push(sim, chat=8192, settle=600)
        sim.crash()
        sim.run(600)
        assert (in_force(sim), sim.git.asked) == (good, asked)
        sim.steer("resume")
        sim.run(SETTLE_S)
        assert in_force(sim) == sim.repository.branch


def test_a_revision_that_deletes_most_is_held_over_a_restart_and_another_one_is_judged_anew() -> None:
    with following() as sim:
        good, done = in_force(sim), list(sim.done)
        for name in ("code", "util", "more"):
            sim.home.slot(name, None)
        sim.edit()
        sim.run(60)
        assert sim.operator.source().conditions[0].reason == "PruneHeld"
        sim.crash()
        sim.run(60)
        assert (in_force(sim), sim.done) == (good, done)
        sim.home.slot("code", slot(8102))
        sim.home.slot("util", slot(8103))
        sim.edit()
        sim.run(60)
        assert in_force(sim) == sim.repository.branch
        assert converged(sim) == []
        assert set(sim.reconciler.world.owners()) == {"chat", "code", "util"}
