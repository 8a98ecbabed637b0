"""Images that a scenario may tag, untag and prune without hurting the next one."""

import contextlib
from collections.abc import Iterator

from tests.images.build import STUB
from tests.support.machine import Machine

LABEL = "hal0.test=disposable"


def make(machine: Machine, name: str, base: str = STUB, **env: str) -> str:
    """An image of its own id under this name, with these variables; answers the id."""
    machine.podman("create", "--name", "mould", base)
    changes = [f"LABEL {LABEL}", *(f"ENV {key}={value}" for key, value in env.items())]
    words = [word for change in changes for word in ("--change", change)]
    id = machine.podman("commit", "--quiet", *words, "mould", name).strip()
    machine.podman("rm", "mould")
    return id


@contextlib.contextmanager
def disposable(machine: Machine) -> Iterator[Machine]:
    """Removes at the end what ``make`` made."""
    try:
        yield machine
    finally:
        machine.wipe()
        machine.podman("image", "prune", "--all", "--force", "--filter", f"label={LABEL}")
