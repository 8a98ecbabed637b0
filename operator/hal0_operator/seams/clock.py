"""Time and chance."""

from typing import Protocol


class Clock(Protocol):
    def monotonic(self) -> float:
        """Seconds; the only clock of decisions."""

    def wall(self) -> str:
        """RFC 3339 in UTC, whole seconds; for people only."""


class Rng(Protocol):
    def jitter(self, share: float) -> float:
        """A factor in [1 - share, 1 + share]."""
