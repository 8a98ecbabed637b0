"""What exists, kept as lists arrive and our own outcomes are folded in."""

from collections.abc import Iterable

import msgspec

from hal0_operator.model.world import Container, Ghost
from hal0_operator.reconcile.state import NEVER

RECORDED = 1000
"""Ids that are remembered beyond those of existing containers."""


class Holder(msgspec.Struct, frozen=True):
    """Who holds a port or the NPU: a container in any state of any home, or a dying process."""

    id: str
    slot: str
    name: str
    ours: bool
    ghost: bool = False


class World:
    """Indexes over the containers; every change goes through ``put`` and ``drop``.

    ``tick`` and ``begun_at`` are of the newest folded list's beginning.  ``freed`` counts containers
    that went, with what they held.  ``images`` maps every local image name to its id; not
    ``images_fresh`` until asked for, and after an image event; a list of images that began by the
    tick ``images_since`` tells nothing.
    """

    def __init__(self, home: str) -> None:
        self.home = home
        self.containers: dict[str, Container] = {}
        self.ghosts: dict[str, Ghost] = {}
        self.recorded: dict[str, str] = {}
        self.tick = 0
        self.begun_at = NEVER
        self.freed = 0
        self.images: dict[str, str] = {}
        self.images_fresh = False
        self.images_since = 0
        self._own: dict[str, dict[str, Container]] = {}
        self._strays: dict[str, dict[str, Container]] = {}
        self._ports: dict[int, set[str]] = {}
        self._npu: set[str] = set()

    def copy(self) -> "World":
        """An independent twin; the rows themselves never change."""
        twin = World(self.home)
        twin.recorded = dict(self.recorded)
        for container in self.containers.values():
            twin.put(container)
        twin.ghosts = dict(self.ghosts)
        twin.tick, twin.begun_at = self.tick, self.begun_at
        twin.images, twin.images_fresh = dict(self.images), self.images_fresh
        return twin

    def distrust_images(self, tick: int) -> None:
        """Only a list of images that begins from now on tells which there are."""
        self.images_fresh, self.images_since = False, tick

    # ── what is ours ───────────────────────────────────────────────────────────────────────────

    def owner(self, container: Container) -> str:
        """The slot whose own container this is, or ``""``: by name and labels, or recorded id."""
        recorded = self.recorded.get(container.id)
        if recorded is not None:
            return recorded
        if container.home == self.home and container.slot and container.named_for_slot:
            return container.slot
        return ""

    def own(self, slot: str) -> tuple[Container, ...]:
        """A slot's own containers, the properly named one first; more than one is a fault."""
        mine = self._own.get(slot)
        if not mine:
            return ()
        if len(mine) == 1:
            return tuple(mine.values())
        return tuple(sorted(mine.values(), key=lambda c: (not c.named_for_slot, c.id)))

    def owners(self) -> frozenset[str]:
        return frozenset(self._own)

    def strays(self, slot: str) -> tuple[Container, ...]:
        """Containers with a slot's labels that are not ours: copies made by ``commit`` or ``clone``."""
        return tuple(self._strays.get(slot, {}).values())

    def record(self, id: str, slot: str) -> None:
        """Ours by id: also once its container is gone, for its process may live on; the newest of those are kept."""
        self.recorded[id] = slot
        if len(self.recorded) > RECORDED:
            gone = next((known for known in self.recorded if known not in self.containers), id)
            if gone != id:
                del self.recorded[gone]

    # ── change ─────────────────────────────────────────────────────────────────────────────────

    def put(self, container: Container) -> None:
        self._take_out(container.id)
        self.containers[container.id] = container
        if slot := self.owner(container):
            self._own.setdefault(slot, {})[container.id] = container
        elif container.home == self.home and container.slot:
            self._strays.setdefault(container.slot, {})[container.id] = container
        for port in container.ports:
            self._ports.setdefault(port, set()).add(container.id)
        if container.takes_npu:
            self._npu.add(container.id)

    def drop(self, id: str) -> None:
        self.freed += 1
        self._take_out(id)

    def _take_out(self, id: str) -> None:
        container = self.containers.pop(id, None)
        if container is None:
            return
        for index, slot in ((self._own, self.owner(container)), (self._strays, container.slot)):
            if theirs := index.get(slot):
                theirs.pop(id, None)
                if not theirs:
                    del index[slot]
        for port in container.ports:
            ids = self._ports.get(port, set())
            ids.discard(id)
            if not ids:
                self._ports.pop(port, None)
        self._npu.discard(id)

    def haunt(self, container: Container, now: float) -> None:
        """A removed container's process is not yet seen dead: it goes on holding what it held.

        What processes of others hold, only a look at the host can tell.
        """
        slot = self.owner(container)
        if not slot:
            return
        ghost = Ghost(container.id, slot, container.pid, container.ports, container.takes_npu, now)
        self.ghosts[container.id] = ghost

    # ── who holds what ─────────────────────────────────────────────────────────────────────────

    def port_holders(self, port: int) -> list[Holder]:
        held = [self._holder(id) for id in sorted(self._ports.get(port, ()))]
        return held + self._haunting(g for g in self.ghosts.values() if port in g.ports)

    def npu_holders(self) -> list[Holder]:
        held = [self._holder(id) for id in sorted(self._npu)]
        return held + self._haunting(g for g in self.ghosts.values() if g.npu)

    def ports(self) -> frozenset[int]:
        return frozenset(self._ports)

    def _holder(self, id: str) -> Holder:
        container = self.containers[id]
        slot = self.owner(container)
        return Holder(id, slot, container.name, ours=bool(slot))

    def _haunting(self, ghosts: Iterable[Ghost]) -> list[Holder]:
        return [Holder(g.id, g.slot, f"the ending process {g.pid} of {g.slot}", True, True) for g in ghosts]
