"""Podman: one verb per call, never an inspect per container."""

from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec

from hal0_operator.model.action import Fault
from hal0_operator.model.container import ContainerSpec
from hal0_operator.model.world import Container, NameHolder


class PodmanFault(Exception):
    """A call failed; ``fault`` says how, and whether it may still take effect."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault.kind}: {fault.message}")
        self.fault = fault


class PodmanEvent(msgspec.Struct, frozen=True):
    """An event is a hint.  ``type`` is ``container``, ``image`` or another of Podman's.

    ``labels`` hold Podman's own attributes too (``image``, ``containerExitCode``).
    """

    type: str
    action: str
    id: str
    name: str
    labels: dict[str, str]
    time_nano: int


class Cancel(Protocol):
    """Ends a stream from another thread; may be called before, during and after it."""

    def __call__(self) -> None: ...


class Podman(Protocol):
    """Every method raises ``PodmanFault``."""

    def version(self) -> str:
        """The server's version: ``4.3.1``."""

    def containers(self) -> tuple[Container, ...]:
        """All managed containers of all homes, in any state.  ``alive`` is not filled in."""

    def holders(self, name: str) -> tuple[NameHolder, ...]:
        """Who has exactly this name: foreign containers and storage leftovers included."""

    def images(self) -> dict[str, str]:
        """Every tag, digest reference and id of every local image, to its id."""

    def create(self, spec: ContainerSpec) -> str:
        """Create, answering the id.  The name is the compare-and-swap."""

    def start(self, id: str) -> bool:
        """True when started, False on 304: look again."""

    def stop(self, id: str, grace_s: float) -> bool:
        """True when stopped, False when it was not running."""

    def remove(self, id: str, grace_s: float) -> None:
        """Remove by force after ``grace_s``; an absent one is success."""

    def address(self, id: str) -> str:
        """A running container's own address on its bridge, or ``""``; asked only when its port fails."""

    def pull(self, image: str, progress: Callable[[str], None], cancel: list[Cancel]) -> str:
        """Pull, answering the image id; appends to ``cancel`` what abandons it."""

    def logs(self, id: str, lines: int) -> tuple[str, ...]:
        """The last lines, stdout and stderr together, oldest first."""

    def follow_logs(self, id: str, lines: int, cancel: list[Cancel]) -> Iterator[str]:
        """The last lines and then each new one until the container ends."""

    def events(self, since_nano: int, cancel: list[Cancel]) -> Iterator[PodmanEvent]:
        """All events after ``since_nano`` (0: from now), live, until cancelled or the service ends."""
