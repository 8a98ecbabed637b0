"""What a conformance case may do to a Podman besides calling it; real and simulated Podmans each provide one.

Cases speak of behaviours and not of shell commands, since a simulated container runs no program.
"""

import abc
import contextlib
import itertools
from collections.abc import Sequence

from hal0_operator.model.container import LABEL_HOME, LABEL_MANAGED, LABEL_SLOT, MANAGED_BY, ContainerSpec
from hal0_operator.model.world import Container
from hal0_operator.seams.podman import Podman

MISSING = "f" * 64
"""An id that no container has."""


class Ground(abc.ABC):
    """``podman`` is what is examined.  ``wipe`` is called before every case, so each finds no container."""

    podman: Podman
    image: str
    """A local image whose containers behave as their command says."""
    no_program: str
    """A local image whose program is missing in it."""

    _numbers = itertools.count(1)

    # ── behaviours: values for ``ContainerSpec.command`` ──────────────────────────────────────

    @abc.abstractmethod
    def serving(self) -> tuple[str, ...]:
        """Runs until SIGTERM, then exits 0."""

    @abc.abstractmethod
    def stubborn(self) -> tuple[str, ...]:
        """Runs and ignores SIGTERM."""

    @abc.abstractmethod
    def saying(self, out: Sequence[str], err: Sequence[str] = (), code: int = 0) -> tuple[str, ...]:
        """Prints lines, those of ``out`` first, and exits with ``code``."""

    # ── the machine ───────────────────────────────────────────────────────────────────────────

    @abc.abstractmethod
    def port(self) -> int:
        """A host port that nobody has."""

    @abc.abstractmethod
    def listening(self, port: int) -> contextlib.AbstractContextManager[None]:
        """A foreign process listens on 127.0.0.1 meanwhile."""

    @abc.abstractmethod
    def make_folder(self) -> str:
        """A host folder that may be mounted."""

    @abc.abstractmethod
    def drop_folder(self, path: str) -> None: ...

    # ── faults ────────────────────────────────────────────────────────────────────────────────

    @abc.abstractmethod
    def kill(self, id: str) -> None:
        """SIGKILL to the container's main process."""

    @abc.abstractmethod
    def kill_monitor(self, id: str) -> None:
        """SIGKILL to the container's conmon and its main process."""

    @abc.abstractmethod
    def foreign(self, name: str) -> str:
        """Somebody else creates a container of that name; its id."""

    @abc.abstractmethod
    def leftover(self, name: str) -> None:
        """A create was interrupted: the name is taken in the storage, and no container has it."""

    @abc.abstractmethod
    def interrupted_stop(self, id: str) -> None:
        """The service is killed in the middle of a stop; it runs again afterwards."""

    @abc.abstractmethod
    def wipe(self) -> None:
        """Remove every container and every leftover."""

    # ── looking ───────────────────────────────────────────────────────────────────────────────

    @abc.abstractmethod
    def settled(self, id: str, *states: str) -> Container:
        """The container once it is in one of these states; AssertionError when that takes too long."""

    def find(self, id: str) -> Container | None:
        return next((c for c in self.podman.containers() if c.id == id), None)

    def spec(self, name: str = "", home: str = "h1", **changes: object) -> ContainerSpec:
        """A managed container that serves, under a fresh name and port unless said otherwise."""
        name = name or f"hal0-s{next(self._numbers)}"
        labels = {LABEL_MANAGED: MANAGED_BY, LABEL_HOME: home, LABEL_SLOT: name.removeprefix("hal0-")}
        fields = {"image": self.image, "command": self.serving(), "container_port": 80, "labels": labels}
        if "host_port" not in changes:
            fields["host_port"] = self.port()
        return ContainerSpec(name=name, **fields | changes)

    def started(self, **changes: object) -> str:
        id = self.podman.create(self.spec(**changes))
        assert self.podman.start(id)
        return id
