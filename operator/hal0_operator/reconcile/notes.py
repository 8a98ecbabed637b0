"""What the reconciler writes down: slot memories, and news for people."""

from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from hal0_operator.model.memory import Memory, SlotMemory
from hal0_operator.model.settings import ProbeSettings
from hal0_operator.model.slot import PORTS


class News(msgspec.Struct, frozen=True):
    """An event to be: the shell adds time and counts repeats."""

    type: Literal["Normal", "Warning"]
    reason: str
    slot: str
    message: str


class Notes:
    """``version`` counts changes of the memory; ``stored`` is the version last written, or tried.

    ``ports_taken`` answers the ports that a choice must avoid; ``generation_of`` a slot's.
    """

    def __init__(self, memory: Memory, probe: ProbeSettings, jitter: Callable[[float], float]) -> None:
        self.slots: dict[str, SlotMemory] = dict(memory.slots)
        self.probe = probe
        self.jitter = jitter
        self.version = 0
        self.stored = 0
        self.news: list[News] = []
        self.list_wanted_at: float | None = None
        self.touched: set[str] = set()
        self.ports_taken: Callable[[str], Iterable[int]] = lambda _slot: ()
        self.generation_of: Callable[[str], str] = lambda _slot: ""
        self.is_rolled_back: Callable[[str], bool] = lambda _slot: False

    def of(self, slot: str) -> SlotMemory:
        return self.slots.get(slot, SlotMemory())

    def remember(self, slot: str, memory: SlotMemory) -> None:
        if self.slots.get(slot) == memory:
            return
        self.slots[slot] = memory
        self.version += 1
        self.touched.add(slot)

    def forget(self, slot: str) -> None:
        if self.slots.pop(slot, None) is not None:
            self.version += 1
            self.touched.add(slot)

    def record(self, slot: str, container: str) -> None:
        self.remember(slot, msgspec.structs.replace(self.of(slot), container=container))

    def rolled_back(self, slot: str) -> bool:
        return self.is_rolled_back(slot)

    def generation(self, slot: str) -> str:
        return self.generation_of(slot)

    def event(self, type: Literal["Normal", "Warning"], reason: str, slot: str, message: str) -> None:
        self.news.append(News(type, reason, slot, message))

    def want_list(self, now: float) -> None:
        """A list is wanted soon, though no turn waits for it: a new pid is to be watched."""
        self.list_wanted_at = now

    def choose_port(self, slot: str, listeners: frozenset[int]) -> None:
        """The lowest free port is kept for the slot; nothing is chosen when none is free."""
        taken = listeners.union(self.ports_taken(slot))
        for port in PORTS:
            if port not in taken:
                self.remember(slot, msgspec.structs.replace(self.of(slot), port=port))
                return
        self.event("Warning", "NoPort", slot, f"every port between {PORTS[0]} and {PORTS[-1]} is taken")

    def memory(self) -> Memory:
        return Memory(dict(self.slots))
