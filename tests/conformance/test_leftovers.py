"""What killed services and monitors leave behind, and that there is a way out of each."""

from hal0_operator.seams.podman import PodmanFault
from tests.conformance.cases import refused
from tests.conformance.ground import Ground


def test_a_storage_leftover_is_seen_as_holder_and_goes_by_name(ground: Ground) -> None:
    spec = ground.spec()
    ground.leftover(spec.name)
    assert ground.podman.containers() == ()
    with refused("name_in_use"):
        ground.podman.create(spec)
    (holder,) = ground.podman.holders(spec.name)
    assert (holder.state, holder.labels) == ("storage", {})
    ground.podman.remove(spec.name, 0)
    assert ground.podman.holders(spec.name) == ()
    assert ground.podman.create(spec)


def test_an_interrupted_stop_stays_stopping_until_it_is_stopped_again(ground: Ground) -> None:
    id = ground.started(command=ground.stubborn())
    ground.interrupted_stop(id)
    assert ground.find(id).state == "stopping"
    with refused("state_improper"):
        ground.podman.start(id)
    ground.podman.stop(id, 0)
    assert ground.settled(id, "exited").exit_code == 137
    ground.podman.remove(id, 0)
    assert ground.find(id) is None


def test_a_lost_monitor_leaves_running_with_a_dead_pid_and_start_says_nothing_to_do(ground: Ground) -> None:
    spec = ground.spec()
    id = ground.podman.create(spec)
    ground.podman.start(id)
    before = ground.find(id)
    ground.kill_monitor(id)
    assert ground.find(id) == before
    assert ground.podman.start(id) is False
    try:
        ground.podman.remove(id, 0)
    except PodmanFault as failed:  # 5.x notices the loss in the first attempt
        assert failed.fault.kind == "conmon_gone", failed.fault
        ground.podman.remove(id, 0)
    assert ground.find(id) is None
    assert ground.podman.start(ground.podman.create(spec))
