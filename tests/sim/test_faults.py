"""Random faults on every call, random changes of home and machine: invariants at every step, then calm.

``RUNS`` and ``SEED`` choose the seeds; ``make sim`` plays them without pytest.
"""

import os
import random

import pytest

from tests.sim.coverage import Coverage, counted
from tests.sim.play import play

RUNS = int(os.environ.get("RUNS", "300"))
SEED = int(os.environ.get("SEED", "0"))
FRESH = 3
"""Seeds that no run had before; they are printed, so that one that finds something can be played again."""


@pytest.mark.timeout(3600)
def test_under_random_trouble_invariants_hold_and_then_it_converges_and_is_quiet():
    coverage = Coverage()
    with counted(coverage):
        for seed in range(SEED, SEED + RUNS):
            play(seed, coverage=coverage)
    print(coverage.table())
    if RUNS >= 200:
        assert coverage.missing() == []


@pytest.mark.timeout(3600)
def test_it_converges_although_every_hint_is_lost():
    for seed in range(SEED, SEED + RUNS // 4):
        play(seed, hints=False)


@pytest.mark.timeout(600)
def test_fresh_seeds_hold_too():
    first = random.SystemRandom().randrange(1 << 30)
    print(f"fresh seeds from {first}")
    for seed in range(first, first + FRESH):
        play(seed, hints=seed % 4 != 0)
