"""Who is listed, and under which names images are known."""

import pytest

from hal0_operator.model.container import LABEL_HOME, LABEL_MANAGED
from tests.conformance.ground import Ground
from tests.conformance.real import RealGround


def test_the_containers_of_every_home_are_listed(ground: Ground) -> None:
    ids = {ground.podman.create(ground.spec(home=home)) for home in ("h1", "h2")}
    found = ground.podman.containers()
    assert {c.id for c in found} == ids
    assert {c.labels[LABEL_HOME] for c in found} == {"h1", "h2"}


def test_containers_that_another_program_manages_are_not_listed(ground: Ground) -> None:
    ground.podman.create(ground.spec(labels={}))
    ground.podman.create(ground.spec(labels={LABEL_MANAGED: "another"}))
    assert ground.podman.containers() == ()


def test_a_holder_is_who_has_exactly_the_name(ground: Ground) -> None:
    for name in ("hal0-a", "hal0-ab", "hal0-a.b"):
        ground.podman.create(ground.spec(name=name))
    assert [h.name for h in ground.podman.holders("hal0-a")] == ["hal0-a"]
    assert [h.name for h in ground.podman.holders("hal0-a.b")] == ["hal0-a.b"]
    assert ground.podman.holders("hal0-") == ()


def test_labels_come_back_as_they_were_given(ground: Ground) -> None:
    odd = {"dev.hal0.note": 'a "quoted" = value, with ünïcode\nand two lines', "dev.hal0.empty": ""}
    spec = ground.spec()
    id = ground.podman.create(ground.spec(labels=spec.labels | odd))
    assert ground.find(id).labels == spec.labels | odd


def test_an_image_is_known_by_tag_digest_and_id(ground: Ground) -> None:
    images = ground.podman.images()
    id = images[ground.image]
    assert images[id] == images[f"sha256:{id}"] == id
    repository = ground.image.rpartition(":")[0]
    (by_digest,) = [name for name in images if name.startswith(f"{repository}@sha256:") and images[name] == id]
    assert ground.podman.create(ground.spec(image=by_digest))
    assert ground.podman.create(ground.spec(image=id))


@pytest.mark.podman
def test_the_version_is_that_of_the_server(real: RealGround) -> None:
    major, minor, *_ = real.podman.version().split(".")
    assert (int(major), int(minor)) >= (4, 3)
