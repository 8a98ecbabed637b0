"""A key path finds its line and column, however the key is written."""

import pytest

from hal0_operator.desired.positions import first_repeat, locate
from hal0_operator.desired.source import SourceFile
from hal0_operator.model.problem import Position, Problem

TEXT = """\
name = "x"
a.b . "c d" = 1
inline = { x = 1, y = { z = [10, 20] } }
list = ["a",  # one
  "b"]
"ümlaut" = { k = "ö", n = 2 }

[slot]
port = 8081
env.A = "1"

  [model]
  default = "m"

[profile."we ird".sub]
m = 1
[[many]]
k = 1
[[many]]
k = 2
"""


def find(path: tuple[str, ...], point: str = "value", text: str = TEXT, file: str = "slots/x.toml") -> tuple[int, int]:
    problem = Problem(code="c", message="m", file=file, path=path, point=point)
    (found,) = locate([problem], {file: SourceFile(file, text.encode())})
    assert found.at is not None
    return found.at.line, found.at.column


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("name",), (1, 1), (1, 8)),
        (("a", "b"), (2, 3), (2, 3)),
        (("a", "b", "c d"), (2, 7), (2, 15)),
        (("inline", "x"), (3, 12), (3, 16)),
        (("inline", "y", "z", "1"), (3, 19), (3, 34)),
        (("list", "0"), (4, 1), (4, 9)),
        (("list", "1"), (4, 1), (5, 3)),
        (("ümlaut", "n"), (6, 23), (6, 27)),
        (("port",), (9, 1), (9, 8)),
        (("env", "A"), (10, 5), (10, 9)),
        (("model",), (12, 4), (12, 3)),
        (("model", "default"), (13, 3), (13, 13)),
        (("profile", "we ird"), (15, 10), (15, 10)),
        (("profile", "we ird", "sub"), (15, 19), (15, 1)),
        (("many", "1", "k"), (20, 1), (20, 5)),
    ],
)
def test_keys_and_values_are_found(path: tuple[str, ...], key: tuple[int, int], value: tuple[int, int]) -> None:
    assert find(path, "value") == value
    if path[-1] not in {"0", "1"}:
        assert find(path, "key") == key


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("model", "context_size"), (12, 3)),
        (("device",), (8, 1)),
        (("many", "1", "absent"), (19, 1)),
        (("inline", "y", "absent"), (3, 19)),
        (("absent", "key"), (8, 1)),
        ((), (1, 1)),
    ],
)
def test_a_key_that_is_absent_is_shown_at_its_table(path: tuple[str, ...], place: tuple[int, int]) -> None:
    assert find(path) == place


def test_without_a_table_it_is_shown_at_the_start() -> None:
    assert find(("device",), text="port = 1\n") == (1, 1)


def test_only_slots_have_keys_below_slot() -> None:
    assert find(("port",), text="[slot]\nport = 1\n", file="profiles.toml") == (1, 1)


def test_a_place_that_is_known_and_a_file_that_is_not_stay_as_they_are() -> None:
    known = Problem(code="c", message="m", file="a.toml", at=Position(7, 7))
    elsewhere = Problem(code="c", message="m", file="b.toml")
    assert locate([known, elsewhere], {"a.toml": SourceFile("a.toml", b"x = 1\n")}) == (known, elsewhere)


def test_places_are_found_before_a_fault_of_the_text() -> None:
    assert find(("port",), text="port = 0\ndevice = cpu\n") == (1, 8)


@pytest.mark.parametrize(
    ("text", "path", "first", "again"),
    [
        ("a = 1\nb = 2\na = 3\n", ("a",), (1, 1), (3, 1)),
        ("[t]\na = 1\n[u]\n[t]\n", ("t",), (1, 2), (4, 2)),
        ("a.b = 1\na = 2\n", ("a",), (1, 1), (2, 1)),
        ("a = 1\na.b = 2\n", ("a",), (1, 1), (2, 3)),
        ("a = 1\n[a]\nb = 2\n", ("a",), (1, 1), (2, 2)),
        ("t = { x = 1, x = 2 }\n", ("t", "x"), (1, 7), (1, 14)),
        ("[t]\nx = 1\n'x' = 2\n", ("t", "x"), (2, 1), (3, 1)),
    ],
)
def test_what_stands_twice_is_found_with_both_places(
    text: str, path: tuple[str, ...], first: tuple[int, int], again: tuple[int, int]
) -> None:
    assert first_repeat(text.encode()) == (path, Position(*first), Position(*again))


def test_what_stands_once_is_no_repeat() -> None:
    assert first_repeat(TEXT.encode()) is None
