"""What a Podman showed all along: every state that its containers were seen in."""

import contextlib
import threading
from collections.abc import Iterator

from hal0_operator.model.world import Container
from tests.support import podmans
from tests.support.machine import Machine

PERIOD_S = 0.03


class Sightings:
    """``lists`` are all that was seen, oldest first."""

    def __init__(self) -> None:
        self.lists: list[tuple[Container, ...]] = []

    def most_running(self, slot: str) -> int:
        """The most containers of a slot that ran at once."""
        return max(sum(c.slot == slot and c.state == "running" for c in seen) for seen in self.lists)

    def starts(self, slot: str) -> int:
        """How many processes of a slot were seen."""
        return len({c.pid for seen in self.lists for c in seen if c.slot == slot and c.state == "running" and c.pid})


@contextlib.contextmanager
def sampled(machine: Machine) -> Iterator[Sightings]:
    """Lists taken while the block runs."""
    found, done = Sightings(), threading.Event()

    def look() -> None:
        while not done.wait(PERIOD_S):
            found.lists.append(client.containers())

    with podmans.client(machine) as client:
        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            yield found
        finally:
            done.set()
            watcher.join()
