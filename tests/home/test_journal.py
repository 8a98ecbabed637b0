"""A journal reaches nothing but files of its home, whatever it says and whatever stands in its place."""

import os
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hal0_operator.home.commit import Recovered, Unwritten, writing
from hal0_operator.home.journal import Journal, content_digest, decode
from hal0_operator.home.lock import read_lock
from hal0_operator.home.read import read_once
from hal0_operator.host.fs import HostFs
from tests.home.change_sets import OLD, SCENARIOS, after, left_over, make_home, never, on_disk, seen, write
from tests.home.planted import CHAT, STAGE, entry, plant, recovered

EDITS = SCENARIOS["created, deleted, changed"]
NEW = after(OLD, EDITS)
fs = HostFs()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


# ── what a journal may say ─────────────────────────────────────────────────────────────────────


def test_a_planted_journal_that_is_sound_counts(home: Path) -> None:
    """So that the refusals below are for what they say."""
    plant(home, entry(), by="me", why="to see")
    assert seen(fs, str(home))[CHAT] == b"evil\n" and read_once(fs, str(home)).pending
    assert recovered(home) == Recovered((CHAT,), (), "me", "to see")
    assert on_disk(home)[CHAT] == b"evil\n"


@pytest.mark.parametrize(
    "more",
    [
        {"path": "/etc/passwd"},
        {"path": "../outside/chat.toml"},
        {"path": "slots/../../outside/x"},
        {"path": "slots//chat.toml"},
        {"path": "./slots/chat.toml"},
        {"path": ".git/hooks/post-checkout"},
        {"path": ".GIT/config"},
        {"path": ".hal0/lock"},
        {"path": ""},
        {"path": "slots/\0"},
        {"file": "README.md", "path": "README.md"},
        {"file": "slots/../x.toml"},
        {"file": "slots/.chat.toml"},
        {"file": "slots/a/b.toml"},
        {"file": "/etc/x.toml"},
        {"old": "x"},
        {"new": "A" * 64},
        {"old": None, "new": None},
        {"new": content_digest(OLD[CHAT])},
        {"stage": "../../slots/code.toml"},
        {"stage": "x"},
        {"stage": ""},
        {"more": 1},
    ],
    ids=repr,
)
def test_a_journal_that_reaches_for_more_is_none(home: Path, more: dict[str, Any]) -> None:
    (home.parent / "outside").mkdir()
    plant(home, entry(**more))
    assert seen(fs, str(home)) == OLD and not read_once(fs, str(home)).pending
    assert recovered(home) is None
    assert on_disk(home) == OLD and left_over(home) == set()
    assert list((home.parent / "outside").iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe\x00",
        b'{"schema": 2, "entries": []}',
        b'{"schema": 1, "entries": []}',
        b"[" * 100_000,
        b'{"schema": 1, "entries": [' + b"[" * 100_000,
        b'{"schema": 1, "by": "\\ud800", "entries": []}',
        msgspec.json.encode({"schema": 1, "entries": [entry(), entry()]}),
        msgspec.json.encode({"schema": 1, "entries": [entry()], "surprise": 1}),
    ],
    ids=lambda text: repr(text[:30]),
)
def test_a_damaged_or_unknown_journal_is_none_and_is_cleared_away(home: Path, text: bytes) -> None:
    (home / ".hal0").mkdir()
    (home / ".hal0/journal").write_bytes(text)
    assert decode(text) is None
    assert seen(fs, str(home)) == OLD
    assert recovered(home) is None
    assert on_disk(home) == OLD and left_over(home) == set()


def test_no_bytes_whatsoever_crash_the_decoder() -> None:
    chance = random.Random(1)
    good = msgspec.json.encode({"schema": 1, "entries": [entry()]})
    for _ in range(3000):
        text = bytearray(good)
        for _ in range(chance.randrange(1, 4)):
            text[chance.randrange(len(text))] = chance.randrange(256)
        found = decode(bytes(text))
        assert found is None or isinstance(found, Journal)


def test_a_file_whose_link_was_turned_since_is_left_alone(home: Path) -> None:
    """A journal says where a file really stands; what the name leads to now must be the same."""
    plant(home, entry(path="slots/code.toml", old=content_digest(OLD["slots/code.toml"])))
    assert recovered(home) == Recovered((CHAT,), (CHAT,))
    assert on_disk(home) == OLD


# ── the folder itself ──────────────────────────────────────────────────────────────────────────


def test_a_state_folder_that_is_a_link_is_neither_read_nor_written(home: Path) -> None:
    elsewhere = make_home(home.parent / "elsewhere", {})
    elsewhere.mkdir()
    plant(elsewhere, entry())
    before = sorted(elsewhere.rglob("*"))
    (home / ".hal0").symlink_to("../elsewhere/.hal0")
    assert seen(fs, str(home)) == OLD
    assert read_lock(fs, str(home)) is None
    with pytest.raises(Unwritten, match="not a folder of its own"):
        write(fs, str(home), OLD, EDITS)
    assert on_disk(home) == OLD and sorted(elsewhere.rglob("*")) == before


def test_a_file_in_the_place_of_the_state_folder_is_said(home: Path) -> None:
    (home / ".hal0").write_text("mine")
    assert seen(fs, str(home)) == OLD | {}
    with pytest.raises(Unwritten, match="not a folder of its own"):
        write(fs, str(home), OLD, EDITS)
    assert (home / ".hal0").read_text() == "mine"


@pytest.mark.parametrize("kind", ["link", "file", "pipe"])
@pytest.mark.parametrize("name", ["stage", "journal.new", "journal"])
def test_what_stands_in_the_place_of_a_writers_file_is_replaced_and_never_followed(
    home: Path, name: str, kind: str
) -> None:
    outside = home.parent / "outside"
    outside.mkdir()
    (outside / "precious").write_text("precious")
    (home / ".hal0").mkdir()
    place = home / ".hal0" / name
    if kind == "link":
        place.symlink_to("../../outside" if name == "stage" else "../../outside/precious")
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        place.write_text("left")
    assert seen(fs, str(home)) == OLD
    write(fs, str(home), OLD, EDITS)
    assert on_disk(home) == NEW and left_over(home) == set()
    assert [path.read_text() for path in outside.iterdir()] == ["precious"]


def test_a_stage_that_became_a_link_before_the_recovery_is_not_followed(home: Path) -> None:
    outside = home.parent / "outside"
    outside.mkdir()
    (outside / STAGE).write_bytes(b"evil\n")
    plant(home, entry(new=None), staged=None)
    (home / ".hal0/stage").rmdir()
    (home / ".hal0/stage").symlink_to("../../outside")
    assert CHAT not in seen(fs, str(home))
    assert recovered(home) == Recovered((CHAT,), ())
    assert CHAT not in on_disk(home) and [path.name for path in outside.iterdir()] == [STAGE]


def test_a_folder_in_the_place_of_the_journal_is_said_and_harms_nothing(home: Path) -> None:
    (home / ".hal0/journal/x").mkdir(parents=True)
    assert seen(fs, str(home)) == OLD
    with pytest.raises(Unwritten, match=r"\.hal0/journal: is there"):
        write(fs, str(home), OLD, EDITS)
    assert on_disk(home) == OLD
