"""Events are hints: read from both versions' lines, each once, whatever else the stream holds."""

import json
from typing import Any

import pytest

from hal0_operator.podman.events import REMEMBERED, decode, fresh

LINE = {
    "status": "died",
    "id": "abc",
    "Type": "container",
    "Action": "died",
    "Actor": {"ID": "abc", "Attributes": {"name": "hal0-chat", "containerExitCode": "137", "dev.hal0.slot": "chat"}},
    "time": 1795579001,
    "timeNano": 1795579001123456789,
}


def line(**changes: Any) -> bytes:
    return json.dumps(LINE | changes).encode()


def test_a_container_event() -> None:
    event = decode(line())
    assert (event.type, event.action, event.id, event.name) == ("container", "died", "abc", "hal0-chat")
    assert event.time_nano == 1795579001123456789
    assert event.labels["dev.hal0.slot"] == "chat"
    assert event.labels["containerExitCode"] == "137"


@pytest.mark.parametrize(
    "bad",
    [b"", b"{", b"[]", b"3", b"\xff", line(Type=None), line(Action=7), b"{" * 5000],
)
def test_a_line_that_is_no_event_is_passed_over(bad: bytes) -> None:
    assert decode(bad) is None
    assert [e.id for e in fresh([bad, line()])] == ["abc"]


@pytest.mark.parametrize("actor", [None, [], "x", {"ID": 3, "Attributes": [1]}, {"Attributes": {"name": 3}}])
def test_an_event_without_a_readable_actor_still_says_that_something_happened(actor: Any) -> None:
    event = decode(line(Actor=actor))
    assert (event.action, event.id, event.name, event.labels) == ("died", "", "", {})


def test_repeated_events_come_once() -> None:
    first = [line(timeNano=n) for n in range(300)]
    rotated = first[150:] + [line(timeNano=300)]
    assert [e.time_nano for e in fresh(first + rotated)] == list(range(301))


def test_events_of_one_instant_differ_by_id_and_action() -> None:
    lines = [line(), line(Action="cleanup"), line(Actor={"ID": "def"}), line()]
    assert len(list(fresh(lines))) == 3


def test_what_is_remembered_is_bounded() -> None:
    lines = [line(timeNano=n) for n in range(REMEMBERED + 1)]
    assert len(list(fresh([*lines, lines[0]]))) == REMEMBERED + 2
