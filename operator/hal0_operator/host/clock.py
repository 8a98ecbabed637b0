"""Time and chance: the only module that reads either."""

import random
import time


class SystemClock:
    """``seams.clock.Clock`` on the machine's own clocks."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class SystemRng:
    """``seams.clock.Rng``; pace needs spread, not secrecy."""

    def jitter(self, share: float) -> float:
        return random.uniform(1 - share, 1 + share)  # noqa: S311 - spreads retries, guards nothing


def wall_ns() -> int:
    """Nanoseconds on the clock that file times are taken from; compared with file times only."""
    return time.time_ns()
