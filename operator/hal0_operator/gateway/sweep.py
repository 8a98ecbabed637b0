"""One timer for every deadline by the second: one for each would be a good part of what a request costs."""

import asyncio
from typing import Protocol

TICK_S = 0.025


class Swept(Protocol):
    """What is looked at."""

    def tick(self, now: float) -> None:
        """``now`` by the event loop's clock, in seconds."""
        ...


class Sweep:
    """Looks at everything that was added, every ``TICK_S``, and sleeps while there is nothing."""

    def __init__(self) -> None:
        self._swept: set[Swept] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, swept: Swept) -> None:
        self._swept.add(swept)
        if self._timer is None:
            self._arm()

    def discard(self, swept: Swept) -> None:
        self._swept.discard(swept)

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        for swept in tuple(self._swept):
            swept.tick(now)
        if self._swept:
            self._arm()
