"""The same cases on the simulated Podman and on the real one that ``PODMAN`` names."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.ground import Ground
from tests.conformance.real import RealGround
from tests.conformance.simulated import SimGround
from tests.support import podmans
from tests.support.machine import Machine

HERE = Path(__file__).parent


def implementations() -> list[str]:
    return ["sim", podmans.selected()]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real cases share one machine, and so one worker."""
    for item in items:
        if item.path.parent == HERE and item.get_closest_marker("podman"):
            item.add_marker(pytest.mark.xdist_group(podmans.group("conformance")))


@pytest.fixture(scope="session")
def real_ground(machine: Machine) -> Iterator[RealGround]:
    with podmans.client(machine) as podman:
        with contextlib.closing(RealGround(machine, podman)) as made:
            yield made


@pytest.fixture(
    params=[pytest.param(name, marks=[] if name == "sim" else pytest.mark.podman) for name in implementations()]
)
def ground(request: pytest.FixtureRequest) -> Ground:
    if request.param == "sim":
        made = SimGround()
    else:
        made = request.getfixturevalue("real_ground")
    made.wipe()
    return made


@pytest.fixture
def real(real_ground: RealGround) -> RealGround:
    """For cases that look inside a container or at the machine: a simulated one has nothing to show."""
    real_ground.wipe()
    return real_ground
