"""Real pulls, from a registry of the test's own: both dialects of the report, a digest, and what cancelling leaves."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hal0_operator.seams.podman import Cancel
from tests.conformance.cases import refused
from tests.conformance.real import RealGround
from tests.support.registry import Registry, serving

pytestmark = pytest.mark.podman
LIMIT_S = 20


@pytest.fixture
def registry(real: RealGround) -> Iterator[Registry]:
    real.machine.podman("image", "rm", "--force", f"localhost:{real.machine.registry_port}/hal0/pulled:1", check=False)
    with serving(Registry(real.machine.registry_port, Path(real.folder / "root.tar"))) as made:
        yield made


def test_a_pull_answers_the_id_and_the_image_is_usable(real: RealGround, registry: Registry) -> None:
    shown: list[str] = []
    id = real.podman.pull(registry.image, shown.append, [])
    assert id == registry.id
    images = real.podman.images()
    assert images[registry.image] == images[f"localhost:{registry.port}/hal0/pulled@{registry.digest}"] == id
    assert shown
    assert real.podman.pull(registry.image, lambda line: None, []) == id
    assert real.settled(real.started(image=registry.image, command=("exit 5",)), "exited").exit_code == 5


def test_an_image_is_pulled_by_digest(real: RealGround, registry: Registry) -> None:
    reference = f"localhost:{registry.port}/hal0/pulled@{registry.digest}"
    id = real.podman.pull(reference, lambda line: None, [])
    assert real.podman.images()[reference] == id == registry.id
    assert real.podman.create(real.spec(image=reference))


def test_a_tag_that_the_registry_does_not_have_is_a_failed_pull(real: RealGround, registry: Registry) -> None:
    with refused("pull_failed"):
        real.podman.pull(registry.image.replace(":1", ":none"), lambda line: None, [])


def test_a_pull_that_is_cancelled_in_the_middle_of_a_layer_leaves_no_image(
    real: RealGround, registry: Registry
) -> None:
    registry.gate.clear()
    cancel: list[Cancel] = []
    faults = []

    def pull() -> None:
        with refused("pull_failed") as seen:
            real.podman.pull(registry.image, lambda line: None, cancel)
        faults.append(seen.fault)

    puller = threading.Thread(target=pull)
    puller.start()
    assert registry.waiting.wait(LIMIT_S)
    cancel[0]()
    puller.join(LIMIT_S)
    assert "abandoned" in faults[0].message
    registry.gate.set()
    assert registry.image not in real.podman.images()
    assert real.podman.pull(registry.image, lambda line: None, []) == registry.id
