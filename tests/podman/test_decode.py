"""Lists come from outside: recorded rows decode exactly, and no row of whatever shape crashes or hides another."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal0_operator.podman import decode

ROW = {
    "Command": ["sleep 1000"],
    "Exited": False,
    "ExitedAt": -62135596800,
    "ExitCode": 0,
    "Id": "3f05",
    "Image": "localhost/stub:1",
    "ImageID": "3d62",
    "Labels": {"dev.hal0.slot": "chat"},
    "Names": ["hal0-chat"],
    "Pid": 4711,
    "Ports": [{"host_ip": "127.0.0.1", "container_port": 80, "host_port": 8101, "range": 1, "protocol": "tcp"}],
    "StartedAt": 1795579001,
    "State": "running",
}


def one(**changes: Any) -> Any:
    (found,) = decode.containers(json.dumps([ROW | changes]).encode())
    return found


def test_a_running_row() -> None:
    found = one()
    assert (found.id, found.name, found.state, found.pid) == ("3f05", "hal0-chat", "running", 4711)
    assert (found.started_at, found.exited_at, found.exit_code) == (1795579001, 0, 0)
    assert (found.image, found.image_id, found.ports) == ("localhost/stub:1", "3d62", (8101,))
    assert (found.labels, found.slot) == ({"dev.hal0.slot": "chat"}, "chat")
    assert found.alive is None


def test_gos_zero_time_is_zero() -> None:
    assert one(StartedAt=-62135596800).started_at == 0
    assert one(State="exited", ExitedAt=-62135596800).never_crashed


@pytest.mark.parametrize(
    ("said", "state"),
    [(s, s) for s in "created initialized running paused stopping stopped exited removing storage unknown".split()]
    + [
        ("configured", "created"),
        ("Running", "running"),
        ("bad", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
        (7, "unknown"),
    ],
)
def test_states(said: Any, state: str) -> None:
    assert one(State=said).state == state


@pytest.mark.parametrize(
    ("ports", "found"),
    [
        (None, ()),
        ([], ()),
        ([{"host_port": 80, "range": 3}], (80, 81, 82)),
        ([{"host_port": 80, "range": 0}], (80,)),
        ([{"host_port": 0, "range": 1}], ()),
        ([{"host_port": 65535, "range": 9}], (65535,)),
        ([{"host_port": 1, "range": 10**18}], tuple(range(1, 65536))),
        ([{"host_port": "80"}, None, 5, {}], ()),
        ("80", ()),
    ],
)
def test_ports_are_those_of_the_host(ports: Any, found: tuple[int, ...]) -> None:
    assert one(Ports=ports).ports == found


def test_wrong_types_fall_back_to_defaults() -> None:
    found = one(Names=None, Pid="1", ExitCode=[], ExitedAt=True, Labels=[1], Image=None, ImageID=7, StartedAt={})
    assert (found.id, found.name, found.pid, found.exit_code) == ("3f05", "", 0, 0)
    assert (found.exited_at, found.labels, found.image, found.image_id, found.started_at) == (0, {}, "", "", 0)
    assert one(Labels={"a": 1, "b": "c"}).labels == {"b": "c"}


def test_a_row_without_an_id_hides_no_other() -> None:
    rows = [None, 3, [], {}, {"Id": 7}, ROW]
    assert [c.id for c in decode.containers(json.dumps(rows).encode())] == ["3f05"]


@pytest.mark.parametrize("body", [b"null", b"{}", b"3", b'"x"'])
def test_what_is_no_list_is_empty(body: bytes) -> None:
    assert decode.containers(body) == ()
    assert decode.images(body) == {}


def test_what_is_no_json_is_a_decode_error() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode.containers(b"[{")


def test_holders_are_of_exactly_the_name() -> None:
    rows = [
        ROW,
        ROW | {"Id": "2", "Names": ["hal0-chat2"]},
        {"Id": "3", "Names": ["hal0-chat"], "State": "storage", "Labels": None},
    ]
    found = decode.holders(json.dumps(rows).encode(), "hal0-chat")
    assert [(h.id, h.state) for h in found] == [("3f05", "running"), ("3", "storage")]


def test_an_image_is_found_by_every_name() -> None:
    rows = [
        {"Id": "aa", "RepoTags": ["localhost/x:1", "localhost/y:1"], "RepoDigests": ["localhost/x@sha256:1"]},
        {"Id": "sha256:bb", "RepoTags": None, "RepoDigests": [None, 3]},
    ]
    assert decode.images(json.dumps(rows).encode()) == {
        **dict.fromkeys(("aa", "sha256:aa", "localhost/x:1", "localhost/y:1", "localhost/x@sha256:1"), "aa"),
        **dict.fromkeys(("bb", "sha256:bb"), "bb"),
    }


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from([*ROW, "RepoTags", "RepoDigests"]), anything, max_size=8), max_size=3))
def test_no_shape_of_a_row_crashes(rows: list[dict[str, Any]]) -> None:
    body = json.dumps(rows).encode()
    decode.images(body)
    decode.holders(body, "hal0-chat")
    ids = [r["Id"] for r in rows if isinstance(r.get("Id"), str) and r["Id"]]
    assert [c.id for c in decode.containers(body)] == ids
