"""Logs, events and pulls: content, order, and that another thread can end each at once."""

import threading
from collections.abc import Iterator

import pytest

from hal0_operator.seams.podman import Cancel, PodmanEvent
from tests.conformance.cases import refused
from tests.conformance.ground import Ground
from tests.conformance.real import RealGround

LIMIT_S = 10


def of(events: Iterator[PodmanEvent], id: str, until: str) -> list[PodmanEvent]:
    """The events of one container up to an action."""
    found = []
    for event in events:
        if event.type == "container" and event.id == id:
            found.append(event)
            if event.action == until:
                return found
    raise AssertionError(f"the stream ended before {until}: {[e.action for e in found]}")


def test_logs_are_the_last_lines_oldest_first(ground: Ground) -> None:
    id = ground.started(command=ground.saying([f"line {n}" for n in range(20)]))
    ground.settled(id, "exited")
    assert ground.podman.logs(id, 3) == ("line 17", "line 18", "line 19")
    assert len(ground.podman.logs(id, 100)) == 20


def test_logs_hold_both_outputs(ground: Ground) -> None:
    id = ground.started(command=ground.saying(["out"], ["err"]))
    ground.settled(id, "exited")
    assert sorted(ground.podman.logs(id, 10)) == ["err", "out"]


def test_a_container_that_never_ran_has_no_lines(ground: Ground) -> None:
    assert ground.podman.logs(ground.podman.create(ground.spec()), 10) == ()


@pytest.mark.podman
def test_following_gives_the_last_lines_and_ends_with_the_container(real: RealGround) -> None:
    id = real.started(command=real.saying(["one", "two"]))
    real.settled(id, "exited")
    assert list(real.podman.follow_logs(id, 1, [])) == ["two"]


@pytest.mark.podman
def test_following_is_ended_from_another_thread(real: RealGround) -> None:
    id = real.started(command=real.stubborn())
    cancel: list[Cancel] = []
    lines: list[str] = []
    follow = real.podman.follow_logs(id, 10, cancel)
    reader = threading.Thread(target=lambda: lines.extend(follow))
    reader.start()
    cancel[0]()
    reader.join(LIMIT_S)
    assert not reader.is_alive()
    assert lines in ([], ["deaf"])


@pytest.mark.podman
def test_the_life_of_a_container_comes_as_events(real: RealGround) -> None:
    cancel: list[Cancel] = []
    events = real.podman.events(0, cancel)
    spec = real.spec()
    id = real.podman.create(spec)
    real.podman.start(id)
    real.kill(id)
    real.settled(id, "exited")
    real.podman.remove(id, 0)
    seen = of(events, id, "remove")
    cancel[0]()
    assert [e.action for e in seen if e.action in ("create", "start", "died", "remove")] == [
        "create",
        "start",
        "died",
        "remove",
    ]
    assert {e.name for e in seen} == {spec.name}
    assert all(e.labels.items() >= spec.labels.items() for e in seen)
    assert [e.time_nano for e in seen] == sorted({e.time_nano for e in seen})


@pytest.mark.podman
def test_a_foreign_container_gives_events_too(real: RealGround) -> None:
    """Its removal frees a name that is waited for."""
    cancel: list[Cancel] = []
    events = real.podman.events(0, cancel)
    id = real.foreign("somebody-elses")
    real.podman.remove(id, 0)
    assert {e.name for e in of(events, id, "remove")} == {"somebody-elses"}
    cancel[0]()


@pytest.mark.podman
def test_events_resume_exactly_after_a_given_one(real: RealGround) -> None:
    cancel: list[Cancel] = []
    events = real.podman.events(0, cancel)
    id = real.started()
    real.podman.remove(id, 0)
    first = of(events, id, "remove")
    for position, event in enumerate(first[:-1]):
        again = real.podman.events(event.time_nano, cancel)
        assert of(again, id, "remove") == first[position + 1 :]
    for end in cancel:
        end()


@pytest.mark.podman
def test_events_are_ended_from_another_thread(real: RealGround) -> None:
    cancel: list[Cancel] = []
    events = real.podman.events(0, cancel)
    reader = threading.Thread(target=lambda: list(events))
    reader.start()
    cancel[0]()
    reader.join(LIMIT_S)
    assert not reader.is_alive()
    cancel[0]()


@pytest.mark.podman
def test_an_event_stream_ends_when_the_service_is_killed(real: RealGround) -> None:
    cancel: list[Cancel] = []
    events = real.podman.events(0, cancel)
    id = real.podman.create(real.spec())
    real.kill_service()
    assert [e.action for e in events if e.id == id] in (["create"], [])
    real.start_service()
    assert real.find(id).state == "created"


@pytest.mark.podman
def test_a_pull_that_nobody_answers_fails(real: RealGround) -> None:
    with refused("pull_failed") as seen:
        real.podman.pull(f"127.0.0.1:{real.port()}/hal0/none:1", lambda shown: None, [])
    assert "none:1" in seen.fault.message


@pytest.mark.podman
def test_a_pull_of_a_malformed_reference_is_refused(real: RealGround) -> None:
    with refused("bad_reference"):
        real.podman.pull("Bad//Reference", lambda shown: None, [])


@pytest.mark.podman
def test_a_hanging_pull_is_abandoned_from_another_thread(real: RealGround) -> None:
    port = real.port()
    cancel: list[Cancel] = []
    outcome: list[str] = []

    def pull() -> None:
        with refused("pull_failed") as seen:
            real.podman.pull(f"127.0.0.1:{port}/hal0/none:1", lambda shown: None, cancel)
        outcome.append(seen.fault.message)

    with real.listening(port):
        puller = threading.Thread(target=pull)
        puller.start()
        while not cancel:
            puller.join(0.01)
        cancel[0]()
        puller.join(LIMIT_S)
        assert not puller.is_alive()
    assert "abandoned" in outcome[0]


@pytest.mark.podman
def test_a_cancel_before_the_pull_has_begun_counts(real: RealGround) -> None:
    class AtOnce(list[Cancel]):
        def append(self, end: Cancel) -> None:
            end()

    with refused("pull_failed"):
        real.podman.pull("localhost/hal0-never-built:1", lambda shown: None, AtOnce())
