"""Whatever answers on Podman's socket, a call ends in an answer or in a fault that says so."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hal0_operator.model.container import ContainerSpec
from hal0_operator.podman.client import Client, pull_report
from hal0_operator.podman.events import fresh
from hal0_operator.seams.podman import PodmanFault
from tests.podman.unix_server import answer, serving

ENDLESS = b"[" * 100_000
BODIES = {
    "empty": b"",
    "cut": b'[{"Id": "3f',
    "no utf-8": b'[{"Id": "\xff"}]',
    "a number beyond all": b'[{"Id": "x", "Pid": 1e999}]',
    "nested without end": ENDLESS,
    "html": b"<html>",
}
SPEC = ContainerSpec(name="hal0-chat", image="localhost/stub:1", host_port=8101, container_port=8101)


def kind(tmp_path: Path, status: str, body: bytes, call: Callable[[Client], object]) -> str:
    with serving(tmp_path / "s", lambda connection, _: connection.sendall(answer(status, body))) as url:
        client = Client(url)
        try:
            call(client)
        except PodmanFault as failed:
            assert len(failed.fault.message) < 1_000
            return failed.fault.kind
        finally:
            client.close()
    return "answered"


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_list_that_cannot_be_read_is_a_fault(tmp_path: Path, body: bytes) -> None:
    assert kind(tmp_path, "200 OK", body, lambda client: client.containers()) == "other"
    (tmp_path / "s").unlink()
    assert kind(tmp_path, "200 OK", body, lambda client: client.images()) == "other"


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_an_error_that_cannot_be_read_is_a_fault(tmp_path: Path, body: bytes) -> None:
    assert kind(tmp_path, "500 Internal Server Error", body, lambda client: client.containers()) == "other"


@pytest.mark.parametrize("body", [*BODIES.values(), b"[]", b'{"Id": 7}'], ids=[*BODIES, "a list", "a number"])
def test_a_create_whose_answer_cannot_be_read_may_have_taken_effect(tmp_path: Path, body: bytes) -> None:
    """Nothing is known of the container's inputs by it, so nothing may be held against them."""
    assert kind(tmp_path, "201 Created", body, lambda client: client.create(SPEC)) == "unknown_outcome"


def test_lines_of_streams_that_cannot_be_read_say_nothing() -> None:
    assert list(fresh(BODIES.values())) == []
    assert {pull_report(body) for body in BODIES.values()} == {pull_report(b"{}")}
