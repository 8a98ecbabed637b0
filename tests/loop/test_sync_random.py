"""Random pushes, faults, wishes and restarts: what is in force is always one whole good revision."""

import random
from pathlib import Path
from typing import Any

import pytest

from hal0_operator.loop.view import Refused
from tests.loop.followed import BROKEN, FakeGit, Followed, follow

NAMES = "abcdef"
FAULTS = (
    ("tip", "unreachable"),
    ("tip", "no_ref"),
    ("tip", "timeout"),
    ("fetch", "unverified"),
    ("fetch", "auth"),
    ("export", "no_path"),
    ("export", "local"),
)
HANDS_OFF = '[model]\ndefault = "m"\n[operator]\nsuspend = true\n'
"""Enabled, so that the prune guard counts it, and never started."""
STEPS = 14
LIVES = 3


class Play:
    """One sequence; ``good`` are the commits that may be in force, with their slots."""

    def __init__(self, seed: int, git: FakeGit) -> None:
        self.rng, self.git = random.Random(seed), git
        self.good: dict[str, set[str]] = {}
        self.count = 0

    def push(self, *, bad: bool) -> str:
        self.count += 1
        names = self.rng.sample(NAMES, self.rng.randint(3, 6))
        slots = dict.fromkeys(names, HANDS_OFF)
        if bad:
            slots[names[0]] = BROKEN
        commit = self.git.push(f"{self.count:04x}", **slots)
        if not bad:
            self.good[commit] = set(names)
        return commit

    def step(self, it: Followed) -> None:
        match self.rng.randrange(9):
            case 0 | 1:
                self.push(bad=False)
            case 2:
                self.push(bad=True)
            case 3:
                self.git.fail(*self.rng.choice(FAULTS))
            case 4:
                self.git.fault.clear()
            case 5:
                try:
                    it.remote.rollback("", "me")
                except Refused as refused:
                    assert refused.code == "gitops.no_previous"
            case 6:
                it.remote.suspend("me", "")
            case 7:
                it.remote.resume()
            case 8 if it.whole.home.source.pruning.slots:
                it.operator.approve_prune()

    async def life(self, it: Followed) -> None:
        """Steps in one life of the operator; nothing that fails or is refused is ever in force."""
        for _ in range(STEPS):
            self.step(it)
            await it.look()
            self.check(it)

    def check(self, it: Followed) -> None:
        admitted = it.source.admitted
        assert not admitted or admitted in self.good
        in_force = set(it.whole.reconciler.aims.desired.slots)
        assert in_force == self.good.get(admitted, set())
        assert "OwnFault" not in it.reasons

    async def settled(self, it: Followed) -> None:
        """Once faults stop and nobody holds anything, the newest good push is in force."""
        self.git.fault.clear()
        it.remote.resume()
        newest = self.push(bad=False)
        await it.look()
        if it.whole.home.source.pruning.slots:
            it.operator.approve_prune()
            await it.operator.fresh()
        self.check(it)
        assert it.source.admitted == newest
        assert it.condition("Ready").status == "True"


@pytest.mark.parametrize("seed", range(12))
def test_what_is_in_force_is_one_whole_good_revision_and_in_the_end_the_newest(
    tmp_path: Path, monkeypatch: Any, seed: int
) -> None:
    git = FakeGit(tmp_path)
    play = Play(seed, git)
    play.push(bad=False)
    for life in range(LIVES):
        follow(tmp_path, git, monkeypatch, play.life)
        if seed % 3 == life:
            (tmp_path / "state" / "admitted.json").unlink()
    follow(tmp_path, git, monkeypatch, play.settled)
