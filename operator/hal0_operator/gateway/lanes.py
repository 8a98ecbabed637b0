"""How many requests a container has at a time, and in which order those wait that may not run beside each other."""

import asyncio
from collections import deque
from collections.abc import Callable

from hal0_operator.gateway.faults import Refused
from hal0_operator.routing.failure import Failure

QUEUE = 32
"""Requests that may wait for one container."""

RETRY_S = 5.0
"""Seconds after which a client that found the queue full may try again."""

Changed = Callable[[str, int], None]


class Entry:
    """One request's place on a container, from its routing until the container is done with it.

    ``turn`` is ``None`` where it may go at once, else a future that is done when it may.
    """

    def __init__(self, lanes: "Lanes", container: str, turn: "asyncio.Future[None] | None") -> None:
        self._lanes = lanes
        self.is_over = False
        self.container = container
        self.turn = turn

    def leave(self) -> None:
        """Give the place up; only the first time counts."""
        if not self.is_over:
            self.is_over = True
            self._lanes.left(self)


class _Lane:
    """``running`` is the entry that a serial container works on."""

    def __init__(self) -> None:
        self.count = 0
        self.running: Entry | None = None
        self.waiting: deque[Entry] = deque()
        self.empty: asyncio.Future[None] | None = None


class Lanes:
    """By container id.  ``changed`` is told a container's count after each change."""

    def __init__(self, changed: Changed, queue: int = QUEUE) -> None:
        self._changed = changed
        self._queue = queue
        self._lanes: dict[str, _Lane] = {}

    def enter(self, container: str, slot: str, *, serial: bool) -> Entry:
        """Take a place, without waiting; ``serial``: the container bears one request at a time.

        Raises ``Refused`` when its queue is full.
        """
        lane = self._lanes.get(container) or _Lane()
        waits = serial and lane.running is not None
        if waits and len(lane.waiting) >= self._queue:
            why = f"{self._queue} requests wait for slot {slot} already: try again later"
            raise Refused(Failure(503, "slot.not_ready", why, {"slot": slot, "reason": "the queue is full"}, RETRY_S))
        entry = Entry(self, container, asyncio.get_running_loop().create_future() if waits else None)
        if waits:
            lane.waiting.append(entry)
        elif serial:
            lane.running = entry
        lane.count += 1
        self._lanes[container] = lane
        self._changed(container, lane.count)
        return entry

    def left(self, entry: Entry) -> None:
        """What ``Entry.leave`` calls."""
        lane = self._lanes[entry.container]
        if lane.running is entry:
            lane.running = None
            self._next(lane)
        elif entry.turn is not None:
            lane.waiting.remove(entry)
        lane.count -= 1
        if not lane.count:
            del self._lanes[entry.container]
            if lane.empty is not None and not lane.empty.done():
                lane.empty.set_result(None)
        self._changed(entry.container, lane.count)

    @staticmethod
    def _next(lane: _Lane) -> None:
        """The first that still waits runs; one whose client went leaves by itself."""
        for entry in lane.waiting:
            if entry.turn is not None and not entry.turn.done():
                lane.waiting.remove(entry)
                lane.running = entry
                entry.turn.set_result(None)
                return

    def count(self, container: str) -> int:
        """Requests that are under way or wait."""
        lane = self._lanes.get(container)
        return lane.count if lane else 0

    def waiting(self, container: str) -> int:
        """Requests that wait for their turn."""
        lane = self._lanes.get(container)
        return len(lane.waiting) if lane else 0

    async def drained(self, container: str) -> None:
        """Return once the container has no request; at once when it has none."""
        while (lane := self._lanes.get(container)) is not None:
            if lane.empty is None:
                lane.empty = asyncio.get_running_loop().create_future()
            await asyncio.shield(lane.empty)
