"""What can go wrong with a call, and how often."""

import random
from typing import Literal, get_args

import msgspec

from hal0_operator.model import action as a

Fate = Literal["well", "slow", "stale", "lost", "lost-late", "never", "unreachable", "service-killed"]
"""``stale``: a list whose answer is seconds old.  ``lost``: takes effect, its answer does not come.
``lost-late``: takes effect after it was given up.  ``never``: given up and never takes effect.
``service-killed``: every call in flight is cut off half way, with what that leaves behind."""

LOCAL = a.Check | a.Store | a.Probe | a.KillOrphan
"""What never asks Podman."""


class Faults(msgspec.Struct):
    """``rate`` is the share of calls that go wrong; ``hints`` whether pidfds and events are heard."""

    rate: float = 0.0
    hints: bool = True
    kinds: tuple[Fate, ...] = get_args(Fate)[1:]

    def fate(self, rng: random.Random, effect: a.Effect) -> Fate:
        if isinstance(effect, LOCAL) or rng.random() >= self.rate:
            return "well"
        found: Fate = rng.choice(self.kinds)
        return "slow" if found == "stale" and not isinstance(effect, a.List) else found


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
        case a.Start() | a.Pull():
            return 60.0
        case a.Create():
            return 30.0
        case a.Remove() | a.Stop():
            return 25.0
        case _:
            return 5.0
