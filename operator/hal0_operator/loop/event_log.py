"""Events for people: a ring, deduplicated, and followed by whoever listens."""

from collections.abc import AsyncIterator
from typing import Literal

import anyio
import msgspec
from anyio.streams.memory import MemoryObjectSendStream

from hal0_operator.model.status import Event
from hal0_operator.seams.clock import Clock

RING = 1000
DEDUPLICATE_S = 600.0
FOLLOWER_BUFFER = 256


class EventLog:
    """``add`` belongs to the event loop.  A repeat within ten minutes counts up, and moves to the end."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ring: dict[tuple[str, str, str], Event] = {}
        self._first: dict[tuple[str, str, str], float] = {}
        self._followers: list[MemoryObjectSendStream[Event]] = []

    def add(
        self, type: Literal["Normal", "Warning"], reason: str, slot: str, message: str, generation: str = ""
    ) -> None:
        key = (reason, slot, message)
        now = self._clock.monotonic()
        before = self._ring.pop(key, None)
        if before is not None and now - self._first[key] <= DEDUPLICATE_S:
            event = msgspec.structs.replace(before, time=self._clock.wall(), count=before.count + 1)
        else:
            event = Event(self._clock.wall(), type, reason, slot, message, 1, generation)
            self._first[key] = now
        self._ring[key] = event
        if len(self._ring) > RING:
            oldest = next(iter(self._ring))
            del self._ring[oldest], self._first[oldest]
        for follower in self._followers:
            try:
                follower.send_nowait(event)
            except (anyio.WouldBlock, anyio.BrokenResourceError):
                continue

    def all(self) -> tuple[Event, ...]:
        """Oldest first."""
        return tuple(self._ring.values())

    async def follow(self) -> AsyncIterator[Event]:
        """Each new or repeated event from now; one that reads too slowly loses some."""
        send, receive = anyio.create_memory_object_stream[Event](FOLLOWER_BUFFER)
        self._followers.append(send)
        try:
            with receive:
                async for event in receive:
                    yield event
        finally:
            self._followers.remove(send)
            send.close()
