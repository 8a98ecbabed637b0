"""What every folder of tests may use."""

from collections.abc import Iterator

import pytest

from tests.support import podmans, tools
from tests.support.machine import Machine

tools.found()


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """The real Podman that ``PODMAN`` names, apart from the host's own; one per test process, shared, so wipe it first."""
    with podmans.running(podmans.selected()) as found:
        yield found
