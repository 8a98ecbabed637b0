"""Ports for slot files that are written anew."""

from collections.abc import Container

from hal0_operator.changes.judged import Judged
from hal0_operator.model.slot import PORTS


class FreePorts:
    """Hands out each port once.  ``taken`` are those in use besides the ones that slots name."""

    def __init__(self, now: Judged, taken: Container[int]) -> None:
        self._taken = taken
        self._named = {slot.port for slot in now.snapshot.slots.values()} | {now.context.settings.listen_port}

    def take(self) -> int | None:
        """The lowest free one of the range; ``None`` when all are taken: the loop will say so."""
        port = next((port for port in PORTS if port not in self._named and port not in self._taken), None)
        self._named.add(port)
        return port
