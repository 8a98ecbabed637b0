"""Which keys want a turn, which are in flight, and when the next one wakes.

The contract of a work queue, without its locks: a key is handed out once at a time; a key that is
added while in flight is handed out again afterwards; the same key twice is one turn; a key can be
added for later, and the earliest time wins.
"""

import heapq

from hal0_operator.model.action import Key


class Queue:
    def __init__(self) -> None:
        self._dirty: dict[Key, None] = {}
        self._busy: set[Key] = set()
        self._later: list[tuple[float, Key]] = []
        self._when: dict[Key, float] = {}

    def add(self, key: Key) -> None:
        self._dirty[key] = None

    def add_at(self, key: Key, when: float) -> None:
        known = self._when.get(key)
        if known is not None and known <= when:
            return
        self._when[key] = when
        heapq.heappush(self._later, (when, key))

    def take(self, now: float) -> list[Key]:
        """Every key that wants a turn now and is not in flight, in order of arrival."""
        while self._later and self._later[0][0] <= now:
            when, key = heapq.heappop(self._later)
            if self._when.get(key) == when:
                del self._when[key]
                self._dirty[key] = None
        ready = [key for key in self._dirty if key not in self._busy]
        for key in ready:
            del self._dirty[key]
        return ready

    def busy(self, key: Key) -> None:
        self._busy.add(key)

    def done(self, key: Key) -> None:
        self._busy.discard(key)

    def is_busy(self, key: Key) -> bool:
        return key in self._busy

    def forget(self, key: Key) -> None:
        self._dirty.pop(key, None)
        self._when.pop(key, None)

    def wake(self) -> float | None:
        """When ``take`` would next answer something new, if nothing is hinted before."""
        while self._later and self._when.get(self._later[0][1]) != self._later[0][0]:
            heapq.heappop(self._later)
        return self._later[0][0] if self._later else None

    def depth(self) -> int:
        return len(self._dirty)
