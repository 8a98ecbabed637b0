"""Demand: which slots are asked for now.  Bookkeeping over times that are passed in."""

from collections.abc import Mapping

import msgspec


class Asked(msgspec.Struct, frozen=True):
    """A slot that is loaded on demand.

    ``timeout_s``: seconds that it stays after its last request, 0 for good.  ``running``: it has a container that
    runs, which counts as used in the moment when the slot is first seen.
    """

    timeout_s: float
    running: bool = False


class Demand:
    """A slot is asked for while a request is in flight, and for its time after the last one ended.

    Requests of every slot are counted: one may become a slot on demand while it answers.  A slot that is first
    seen without a container, or was not on demand for a while, is idle until its next request.
    """

    def __init__(self) -> None:
        self._in_flight: dict[str, int] = {}
        self._used: dict[str, float | None] = {}
        self._asked: Mapping[str, Asked] = {}

    def began(self, slot: str, now: float) -> None:
        self._in_flight[slot] = self._in_flight.get(slot, 0) + 1
        if slot in self._used:
            self._used[slot] = now

    def ended(self, slot: str, now: float) -> None:
        """Once for each ``began``."""
        left = self._in_flight[slot] - 1
        if left:
            self._in_flight[slot] = left
        else:
            del self._in_flight[slot]
        if slot in self._used:
            self._used[slot] = now

    def idle(self, now: float, slots: Mapping[str, Asked]) -> frozenset[str]:
        """Those of the slots that nobody asks for; they are all that are on demand now."""
        for name in self._used.keys() - slots.keys():
            del self._used[name]
        for name, asked in slots.items():
            if name not in self._used:
                self._used[name] = now if asked.running or name in self._in_flight else None
        self._asked = slots
        return frozenset(name for name in slots if now >= self.until(name))

    def next_change(self, now: float) -> float | None:
        """When the next slot becomes idle if nothing happens before; ``None``: none will."""
        ends = (self.until(name) for name in self._asked)
        return min((end for end in ends if now < end < float("inf")), default=None)

    def until(self, name: str) -> float:
        """Until when a slot on demand is asked for, if nothing happens before."""
        used, timeout = self._used[name], self._asked[name].timeout_s
        if name in self._in_flight:
            return float("inf")
        if used is None:
            return float("-inf")
        return used + timeout if timeout else float("inf")
