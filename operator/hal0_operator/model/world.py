"""What is known to exist: the last container list, with our own outcomes and fired pidfds folded in."""

from typing import Literal

import msgspec

from hal0_operator.model.container import (
    LABEL_GENERATION,
    LABEL_HOME,
    LABEL_NPU,
    LABEL_RENDERED,
    LABEL_SLOT,
    LABEL_SPEC,
    container_name,
)

State = Literal[
    "created",
    "initialized",
    "running",
    "paused",
    "stopping",
    "stopped",
    "exited",
    "removing",
    "storage",
    "unknown",
]


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a list.  Times are Podman's wall clock in seconds, never compared with now.

    ``alive`` is whether the process ``pid`` exists and is this container's (``None``: not
    looked at, as for containers that do not run).  ``ports`` are host ports.
    """

    id: str
    name: str
    state: State
    pid: int = 0
    exit_code: int = 0
    started_at: float = 0
    exited_at: float = 0
    image: str = ""
    image_id: str = ""
    labels: dict[str, str] = {}
    ports: tuple[int, ...] = ()
    address: str = ""
    alive: bool | None = None

    @property
    def home(self) -> str:
        return self.labels.get(LABEL_HOME, "")

    @property
    def slot(self) -> str:
        return self.labels.get(LABEL_SLOT, "")

    @property
    def digest(self) -> str:
        return self.labels.get(LABEL_SPEC, "")

    @property
    def rendered(self) -> str:
        return self.labels.get(LABEL_RENDERED, "")

    @property
    def generation(self) -> str:
        return self.labels.get(LABEL_GENERATION, "")

    def dead(self) -> "Container":
        """The same row, its process known to be gone."""
        return msgspec.structs.replace(self, alive=False)

    @property
    def takes_npu(self) -> bool:
        return self.labels.get(LABEL_NPU) == "1"

    @property
    def named_for_slot(self) -> bool:
        return self.name == container_name(self.slot)

    @property
    def never_crashed(self) -> bool:
        """It ran when the machine went down: no crash, and not "never started" either."""
        return (self.state == "created" and self.started_at > 0) or (
            self.state == "exited" and self.exit_code == 0 and self.exited_at <= 0
        )


class Ghost(msgspec.Struct, frozen=True):
    """The process of a container that Podman removed and that was not yet seen to die.

    It still holds what its container held.  ``since`` is when its container went (monotonic).
    """

    id: str
    slot: str
    pid: int
    ports: tuple[int, ...]
    npu: bool
    since: float = 0.0


class NameHolder(msgspec.Struct, frozen=True):
    """Who has a name, from a list that includes foreign containers and storage leftovers."""

    id: str
    name: str
    state: State
    labels: dict[str, str] = {}


class Listing(msgspec.Struct, frozen=True):
    """A finished list: every managed container of every home."""

    containers: tuple[Container, ...]
