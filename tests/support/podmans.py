"""The Podman that a test run is for, and the client to it.

``PODMAN=own`` (the default) is the installed podman, ``PODMAN=other`` that of another Debian release,
``PODMAN=rootless`` the installed one for the user that ``PODMAN_USER`` names.  A run that cannot have its Podman
fails; nothing is skipped.
"""

import contextlib
import os
from collections.abc import Iterator

from hal0_operator.podman.client import Client
from tests.support import machine, rootless
from tests.support.machine import Machine

KINDS = {"own": machine.own, "other": machine.other, "rootless": rootless.rootless}


def group(tests: str) -> str:
    """The xdist group of tests that share one machine; the other Podman is one for all."""
    return "podman-other" if selected() == "other" else f"{tests}-{selected()}"


def selected() -> str:
    kind = os.environ.get("PODMAN", "own")
    if kind not in KINDS:
        raise ValueError(f"PODMAN={kind}: one of {', '.join(KINDS)} is wanted")
    return kind


@contextlib.contextmanager
def running(kind: str) -> Iterator[Machine]:
    """An isolated Podman of that kind with the test images, removed at the end."""
    found = KINDS[kind]()
    try:
        yield found
    finally:
        found.close()


@contextlib.contextmanager
def client(found: Machine) -> Iterator[Client]:
    with contextlib.closing(Client(found.url)) as made:
        yield made
