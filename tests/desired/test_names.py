"""Which files count, and how odd names are shown."""

import pytest

from hal0_operator.desired.names import is_backup, is_name, is_slot_file, shown, slot_stem
from hal0_operator.desired.assemble import assemble
from hal0_operator.desired.source import HomeFiles, SourceFile
from tests.desired.texts import SEEDS


@pytest.mark.parametrize(
    "name",
    [
        "chat.toml~",
        ".chat.toml.swp",
        ".chat.toml.swo",
        "4913",
        "#chat.toml#",
        "chat.toml.bak",
        "chat.v1.bak",
        ".#chat.toml",
        "chat.toml.tmp",
        "chat.toml.orig",
        ".hidden.toml",
    ],
)
def test_editors_files_are_backups_and_no_slots(name: str) -> None:
    assert is_backup(name)
    assert not is_slot_file(name)


@pytest.mark.parametrize("name", ["chat.toml", "chat (copy).toml", "Chat.toml", "a.b.toml", "größe.toml"])
def test_every_other_toml_file_counts_even_under_a_bad_name(name: str) -> None:
    assert is_slot_file(name)
    assert not is_backup(name)


@pytest.mark.parametrize("name", ["README.md", "chat.TOML", "chat", "toml"])
def test_other_files_do_not(name: str) -> None:
    assert not is_slot_file(name)


@pytest.mark.parametrize(
    ("file", "stem"),
    [
        ("slots/chat.toml", "chat"),
        ("slots/a/b.toml", None),
        ("chat.toml", None),
        ("profiles.toml", None),
        ("slots/.x.toml", None),
    ],
)
def test_a_slots_stem(file: str, stem: str | None) -> None:
    assert slot_stem(file) == stem


@pytest.mark.parametrize("name", ["a", "0", "embed-rerank", "a_b", "a" * 32])
def test_good_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize("name", ["", "-a", "_a", "A", "a b", "a.b", "a" * 33, "ä", "a\n"])
def test_bad_names(name: str) -> None:
    assert not is_name(name)


def test_an_undecodable_name_is_a_problem_that_json_can_carry() -> None:
    raw = b"slots/gr\xf6\xdfe\x1b.toml".decode(errors="surrogateescape")
    taken, _ = assemble(HomeFiles({raw: SourceFile(raw, b"port = 1\n")}), SEEDS)
    (problem,) = taken.problems
    assert (problem.code, problem.file) == ("slot.name", "slots/gr\\udcf6\\udcdfe\\x1b.toml")
    assert problem.at is not None
    problem.message.encode()


def test_plain_names_are_shown_as_they_are() -> None:
    assert shown("slots/größe (copy).toml") == "slots/größe (copy).toml"
