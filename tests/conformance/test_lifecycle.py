"""Create, start, stop, die, remove: what each call answers and what the list shows after it."""

import time

import pytest

from tests.conformance.cases import refused
from tests.conformance.ground import MISSING, Ground
from tests.conformance.real import RealGround


def test_a_created_container_is_listed_as_such_with_all_that_was_asked_for(ground: Ground) -> None:
    spec = ground.spec()
    id = ground.podman.create(spec)
    found = ground.find(id)
    assert (found.name, found.state, found.pid, found.labels) == (spec.name, "created", 0, spec.labels)
    assert (found.started_at, found.exited_at, found.exit_code) == (0, 0, 0)
    assert found.ports == (spec.host_port,)
    assert found.image == ground.image
    assert found.image_id == ground.podman.images()[ground.image]


def test_start_answers_true_and_the_list_shows_a_process(ground: Ground) -> None:
    id = ground.podman.create(ground.spec())
    assert ground.podman.start(id) is True
    found = ground.find(id)
    assert found.state == "running"
    assert found.pid > 0
    assert found.started_at > 0
    assert found.exited_at == 0


def test_starting_a_running_container_answers_false_and_leaves_its_process(ground: Ground) -> None:
    id = ground.started()
    before = ground.find(id).pid
    assert ground.podman.start(id) is False
    assert ground.find(id).pid == before


def test_a_stop_lets_the_program_end_and_keeps_its_exit_code(ground: Ground) -> None:
    id = ground.started()
    assert ground.podman.stop(id, 10) is True
    found = ground.settled(id, "exited")
    assert (found.pid, found.exit_code) == (0, 0)
    assert found.exited_at > 0


def test_stopping_what_is_stopped_answers_false(ground: Ground) -> None:
    id = ground.started()
    ground.podman.stop(id, 10)
    ground.settled(id, "exited")
    assert ground.podman.stop(id, 10) is False


def test_a_stop_kills_what_ignores_it_after_the_grace(ground: Ground) -> None:
    id = ground.started(command=ground.stubborn())
    assert ground.podman.stop(id, 1) is True
    assert ground.settled(id, "exited").exit_code == 137


def test_a_program_that_ends_by_itself_leaves_its_exit_code(ground: Ground) -> None:
    id = ground.started(command=ground.saying(["bye"], code=3))
    found = ground.settled(id, "exited")
    assert (found.exit_code, found.pid) == (3, 0)
    assert found.exited_at >= found.started_at > 0


def test_a_killed_process_shows_as_137_and_start_brings_it_back(ground: Ground) -> None:
    id = ground.started()
    before = ground.find(id)
    ground.kill(id)
    found = ground.settled(id, "stopped", "exited")
    assert found.exit_code == 137
    assert ground.podman.start(id) is True
    after = ground.settled(id, "running")
    assert after.pid not in (0, before.pid)


def test_an_exited_container_can_be_started_again(ground: Ground) -> None:
    id = ground.started(command=ground.saying(["once"], code=1))
    first = ground.settled(id, "exited")
    assert ground.podman.start(id) is True
    again = ground.settled(id, "exited")
    assert again.started_at >= first.started_at
    assert ground.podman.logs(id, 10) == ("once", "once")


def test_removing_a_running_one_frees_its_name_and_port(ground: Ground) -> None:
    spec = ground.spec()
    id = ground.podman.create(spec)
    ground.podman.start(id)
    ground.podman.remove(id, 0)
    assert ground.find(id) is None
    assert ground.podman.holders(spec.name) == ()
    again = ground.podman.create(spec)
    assert again != id
    assert ground.podman.start(again)


def test_a_removal_gives_the_grace_that_it_is_told_and_not_the_containers_own(ground: Ground) -> None:
    id = ground.started(command=ground.stubborn(), stop_timeout=50)
    ground.podman.remove(id, 1)
    assert ground.find(id) is None


def test_removing_what_is_absent_is_success(ground: Ground) -> None:
    id = ground.podman.create(ground.spec())
    ground.podman.remove(id, 0)
    ground.podman.remove(id, 0)
    ground.podman.remove(MISSING, 0)
    ground.podman.remove("hal0-never-was", 0)
    assert ground.podman.containers() == ()


def test_start_stop_and_logs_of_an_absent_one_say_so(ground: Ground) -> None:
    with refused("no_such_container"):
        ground.podman.start(MISSING)
    with refused("no_such_container"):
        ground.podman.stop(MISSING, 1)
    with refused("no_such_container"):
        ground.podman.logs(MISSING, 1)


@pytest.mark.podman
def test_a_running_container_holds_its_id_and_name_over_a_restart_of_the_service(real: RealGround) -> None:
    id = real.started()
    before = real.find(id)
    real.kill_service()
    with refused("unreachable"):
        real.podman.containers()
    real.start_service()
    assert real.find(id) == before


def test_times_are_unix_seconds(ground: Ground) -> None:
    id = ground.started(command=ground.saying(["now"]))
    found = ground.settled(id, "exited")
    # A simulated clock may start anywhere; what counts is that the unit is seconds and the zero is 0.
    assert 0 < found.started_at < time.time() + 60
    assert found.exited_at - found.started_at < 60
