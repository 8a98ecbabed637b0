"""Simulated time: a heap of events, each an instant."""

import heapq
import itertools
from collections.abc import Callable


class Timeline:
    """``time`` in seconds; events of one instant happen in the order in which they were announced."""

    def __init__(self) -> None:
        self.time = 1000.0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def at(self, delay: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (self.time + delay, next(self._order), event))

    def run(self, seconds: float) -> None:
        end = self.time + seconds
        heap = self._heap
        while heap and heap[0][0] <= end:
            when, _, event = heapq.heappop(heap)
            self.time = max(self.time, when)
            event()
        self.time = end
