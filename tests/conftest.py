"""What every folder of tests may use."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import podmans
from tests.support.machine import Machine

TOOLS = Path(__file__).parents[1] / ".run/tools"
"""What deploy/setup unpacked for the tests, installed nowhere."""

os.environ["PATH"] = os.pathsep.join([f"{TOOLS}/usr/bin", f"{TOOLS}/bin", os.environ["PATH"]])


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """The real Podman that ``PODMAN`` names, apart from the host's own; one per test process, shared, so wipe it first."""
    with podmans.running(podmans.selected()) as found:
        yield found
