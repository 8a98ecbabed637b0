"""Every kind of refusal, and that it leaves nothing half-done behind."""

import contextlib

import pytest

from hal0_operator.model.container import DeviceNode, Mount
from tests.conformance.cases import refused
from tests.conformance.ground import Ground
from tests.conformance.real import RealGround


def test_a_name_in_use_is_refused_and_its_holder_untouched(ground: Ground) -> None:
    spec = ground.spec()
    id = ground.podman.create(spec)
    before = ground.find(id)
    with refused("name_in_use"):
        ground.podman.create(ground.spec(name=spec.name))
    assert ground.podman.containers() == (before,)
    (holder,) = ground.podman.holders(spec.name)
    assert (holder.id, holder.state, holder.labels) == (id, "created", spec.labels)


def test_a_foreign_container_under_the_name_is_shown_as_holder_and_never_listed(ground: Ground) -> None:
    name = ground.spec().name
    id = ground.foreign(name)
    with refused("name_in_use"):
        ground.podman.create(ground.spec(name=name))
    (holder,) = ground.podman.holders(name)
    assert (holder.id, holder.state) == (id, "created")
    assert "dev.hal0.home" not in holder.labels
    assert ground.podman.containers() == ()


def test_an_image_that_is_not_here_is_unknown(ground: Ground) -> None:
    spec = ground.spec(image="localhost/hal0-never-built:1")
    with refused("image_unknown"):
        ground.podman.create(spec)
    assert ground.podman.holders(spec.name) == ()


@pytest.mark.podman
def test_a_malformed_image_is_a_bad_reference(real: RealGround) -> None:
    with refused("bad_reference"):
        real.podman.create(real.spec(image="Bad//Reference"))


def test_a_port_of_another_container_fails_the_start_and_leaves_created(ground: Ground) -> None:
    port = ground.port()
    first = ground.started(host_port=port)
    second = ground.podman.create(ground.spec(host_port=port))
    with refused("port_in_use"):
        ground.podman.start(second)
    assert ground.find(second).state == "created"
    assert ground.find(first).state == "running"
    ground.podman.stop(first, 5)
    assert ground.podman.start(second) is True


def test_a_port_of_a_foreign_process_fails_the_start(ground: Ground) -> None:
    port = ground.port()
    id = ground.podman.create(ground.spec(host_port=port))
    with ground.listening(port), refused("port_in_use"):
        ground.podman.start(id)
    assert ground.find(id).state == "created"


def test_a_missing_device_is_refused_and_nothing_created(ground: Ground) -> None:
    spec = ground.spec(devices=(DeviceNode("/dev/hal0-none", "1:1"),))
    with refused("device_missing") as seen:
        ground.podman.create(spec)
    assert "/dev/hal0-none" in seen.fault.message
    assert ground.podman.containers() == ()


def test_a_missing_mount_source_is_refused_and_nothing_created(ground: Ground) -> None:
    folder = ground.make_folder()
    ground.drop_folder(folder)
    with refused("mount_missing") as seen:
        ground.podman.create(ground.spec(mounts=(Mount(folder, "/models"),)))
    assert folder in seen.fault.message
    assert ground.podman.containers() == ()


def test_a_mount_source_that_vanished_after_create_fails_the_start(ground: Ground) -> None:
    folder = ground.make_folder()
    id = ground.podman.create(ground.spec(mounts=(Mount(folder, "/models"),)))
    ground.drop_folder(folder)
    with refused("mount_missing"):
        ground.podman.start(id)
    assert ground.find(id).state == "created"


@pytest.mark.podman
def test_a_missing_secret_is_refused(real: RealGround) -> None:
    with refused("secret_missing") as seen:
        real.podman.create(real.spec(secret_env={"HF_TOKEN": "hal0-no-such-secret"}))
    assert "hal0-no-such-secret" in seen.fault.message


def test_a_missing_program_fails_the_start(ground: Ground) -> None:
    id = ground.podman.create(ground.spec(image=ground.no_program))
    with refused("command_missing"):
        ground.podman.start(id)
    assert ground.find(id).state == "created"


def test_a_refused_create_leaves_its_name_free(ground: Ground) -> None:
    name = ground.spec().name
    for wrong in (
        {"devices": (DeviceNode("/dev/hal0-none", "1:1"),)},
        {"image": "localhost/hal0-never-built:1"},
    ):
        with refused("device_missing", "image_unknown"):
            ground.podman.create(ground.spec(name=name, **wrong))
    assert ground.podman.create(ground.spec(name=name))


@pytest.mark.podman
def test_nothing_listens_while_the_service_is_gone(real: RealGround) -> None:
    id = real.started()
    real.kill_service()
    with contextlib.ExitStack() as after:
        after.callback(real.start_service)
        for call in (
            real.podman.version,
            real.podman.containers,
            real.podman.images,
            lambda: real.podman.holders("hal0-x"),
            lambda: real.podman.create(real.spec()),
            lambda: real.podman.start(id),
            lambda: real.podman.stop(id, 0),
            lambda: real.podman.remove(id, 0),
            lambda: real.podman.logs(id, 1),
            lambda: real.podman.events(0, []),
            lambda: real.podman.pull(real.image, print, []),
        ):
            with refused("unreachable"):
                call()
    assert real.find(id).state == "running"
