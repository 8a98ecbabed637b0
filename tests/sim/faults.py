"""What can go wrong with a call, and how often."""

import random
from typing import Literal

import msgspec

from hal0_operator.model import action as a

Fate = Literal["well", "slow", "lost", "lost-late", "never", "unreachable", "service-killed"]
"""``lost``: takes effect, its answer does not come.  ``lost-late``: takes effect after it was given
up.  ``never``: given up and never takes effect.  ``service-killed``: cut off half way, with what
that leaves behind."""


class Faults(msgspec.Struct):
    """``rate`` is the share of calls that go wrong; ``hints`` whether pidfds and events are heard."""

    rate: float = 0.0
    hints: bool = True
    kinds: tuple[Fate, ...] = ("slow", "lost", "lost-late", "never", "unreachable", "service-killed")

    def fate(self, rng: random.Random, effect: a.Effect) -> Fate:
        if isinstance(effect, a.Check | a.Store | a.Probe) or rng.random() >= self.rate:
            return "well"
        return rng.choice(self.kinds)


def duration(effect: a.Effect) -> float:
    """Seconds a call takes when all is well; measured medians of real Podmans."""
    match effect:
        case a.Start():
            return 0.12
        case a.Remove() | a.Stop():
            return 0.2
        case a.Create() | a.List():
            return 0.015
        case a.Pull():
            return 2.0
        case _:
            return 0.002


def limit(effect: a.Effect) -> float:
    """Seconds after which a call is given up."""
    match effect:
        case a.Start():
            return 60.0
        case a.Create():
            return 30.0
        case a.Remove() | a.Stop():
            return 25.0
        case _:
            return 5.0
