"""Files to one snapshot: what is unchanged is not decoded again, and its digest is of content alone."""

import pytest

import hal0_operator.desired.assemble as assemble_module
from hal0_operator.desired.assemble import assemble
from hal0_operator.desired.source import HomeFiles
from tests.desired.texts import GOOD, SEEDS, home, snapshot, source

PROFILES = '[profile.mine]\nimage = "localhost/x:1"\nflags = ""\n'
OVERLAY = 'schema_version = 2\n[selections.voice.tts]\nenabled = true\ndevice = "cpu"\n'
HOME = {
    "slots/chat.toml": GOOD,
    "slots/code.toml": "port = 8082\n",
    "profiles.toml": PROFILES,
    "capabilities.toml": OVERLAY,
}


def test_a_home_becomes_one_snapshot() -> None:
    taken = snapshot(HOME)
    assert sorted(taken.slots) == ["chat", "code"]
    assert list(taken.profiles) == ["mine"]
    assert list(taken.selections) == ["voice.tts"]
    assert (taken.profiles_file, taken.overlay_file, taken.slots_folder) == (True, True, True)
    assert (taken.problems, taken.broken, taken.broken_files) == ((), frozenset(), frozenset())


def test_an_empty_home_is_a_snapshot_too() -> None:
    taken, _ = assemble(HomeFiles({}, slots_folder=False), SEEDS)
    assert (taken.slots, taken.profiles_file, taken.overlay_file, taken.slots_folder) == ({}, False, False, False)


def test_only_files_whose_object_changed_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[str] = []
    real = assemble_module.decode
    monkeypatch.setattr(assemble_module, "decode", lambda file, seeds: decoded.append(file.file) or real(file, seeds))
    first = home(HOME)
    before, memo = assemble(first, SEEDS)
    assert sorted(decoded) == sorted(HOME)
    decoded.clear()
    second = HomeFiles(first.files | {"slots/code.toml": source("slots/code.toml", "port = 8083\n")})
    after, _ = assemble(second, SEEDS, memo)
    assert decoded == ["slots/code.toml"]
    assert after.slots["chat"] is before.slots["chat"]
    assert after.slots["code"].port == 8083
    assert after.digest != before.digest


def test_a_memo_gives_the_same_snapshot_as_none() -> None:
    _, memo = assemble(home(HOME), SEEDS)
    fewer = home({file: text for file, text in HOME.items() if file != "slots/code.toml"})
    assert assemble(fewer, SEEDS, memo)[0] == assemble(fewer, SEEDS)[0]


def test_other_seeds_make_the_memo_void() -> None:
    _, memo = assemble(home({"profiles.toml": "[profile.rocm]\nport = 1\n"}), SEEDS)
    taken, _ = assemble(home({"profiles.toml": "[profile.rocm]\nport = 1\n"}), {}, memo)
    assert taken.broken == {"profile/rocm"}


def test_files_that_do_not_count_are_passed_over() -> None:
    extra = {
        "slots/.chat.toml.swp": "x",
        "slots/.#chat.toml": "x",
        "slots/chat.toml~": "x",
        "notes.toml": "x",
        "slots/a/b.toml": "x",
    }
    assert snapshot(HOME | extra) == snapshot(HOME)


def test_the_digest_is_independent_of_order_comments_and_formatting() -> None:
    reordered = {file: HOME[file] for file in reversed(HOME)}
    reordered["slots/code.toml"] = "# why\r\n\r\nport=8082 # here\r\n"
    reordered["capabilities.toml"] = 'selections.voice.tts = { device = "cpu", enabled = true }\nschema_version = 2'
    assert snapshot(reordered).digest == snapshot(HOME).digest


@pytest.mark.parametrize("file", sorted(HOME))
def test_the_digest_moves_with_any_file_s_content_and_with_its_absence(file: str) -> None:
    edits = {
        "slots/chat.toml": GOOD.replace("65536", "65537"),
        "slots/code.toml": "port = 8083\n",
        "profiles.toml": PROFILES.replace("x:1", "x:2"),
        "capabilities.toml": OVERLAY.replace("true", "false"),
    }
    without = {name: text for name, text in HOME.items() if name != file}
    digests = {snapshot(HOME).digest, snapshot(HOME | {file: edits[file]}).digest, snapshot(without).digest}
    assert len(digests) == 3


def test_a_broken_file_moves_the_digest_by_its_bytes() -> None:
    assert snapshot({"slots/chat.toml": "port = 0\n"}).digest != snapshot({"slots/chat.toml": "port = -1\n"}).digest


def test_a_known_home_has_its_known_digest() -> None:
    """Moving it would make every home look changed after an upgrade."""
    assert snapshot(HOME).digest == "b178232022ce5d96"


def test_problems_come_in_the_order_of_files_and_places() -> None:
    taken = snapshot(
        {"slots/b.toml": "x = 1\nport = 0\n", "slots/a.toml": "port = 0\n", "capabilities.toml": "x = 1\n"}
    )
    assert [problem.address for problem in taken.problems] == [
        "capabilities.toml:1:1",
        "slots/a.toml:1:8",
        "slots/b.toml:1:1",
        "slots/b.toml:2:8",
    ]


def test_a_thousand_slots_keep_their_names_apart() -> None:
    files = {f"slots/s{index}.toml": f"port = {index + 1}\n" for index in range(1000)}
    taken = snapshot(files)
    assert len(taken.slots) == 1000
    assert taken.slots["s999"].port == 1000
