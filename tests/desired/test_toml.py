"""Bytes that are no TOML: a message with a place, whatever they are."""

import pytest

from hal0_operator.desired.toml import is_blank
from tests.desired.texts import GOOD, chat, place, snapshot, the_problem


def test_one_byte_order_mark_is_accepted_and_shifts_nothing() -> None:
    assert chat(b"\xef\xbb\xbf" + GOOD.encode()) == chat(GOOD)
    assert place(the_problem(b"\xef\xbb\xbfport = 0\n")) == (1, 8)
    assert place(the_problem(b"\xef\xbb\xbfport = 08\n")) == (1, 8)


def test_a_second_byte_order_mark_is_no_key() -> None:
    assert place(the_problem(b"\xef\xbb\xbf\xef\xbb\xbfport = 8081\n")) == (1, 1)


def test_crlf_is_accepted_and_shifts_nothing() -> None:
    assert chat(GOOD.replace("\n", "\r\n")) == chat(GOOD)
    assert place(the_problem("# x\r\nenabled = true\r\nport = 0\r\n")) == (3, 8)
    assert place(the_problem("# x\r\nenabled = true\r\nport = 08\r\n")) == (3, 8)


def test_a_latin_1_byte_in_a_comment_has_a_place() -> None:
    problem = the_problem(b"port = 8081\n# gr\xf6\xdfe\n")
    assert place(problem) == (2, 5)
    assert "UTF-8: byte 0xf6" in problem.message


def test_characters_are_counted_before_a_bad_byte() -> None:
    assert place(the_problem("# äöü ".encode() + b"\xff\n")) == (1, 7)


def test_utf_16_is_named() -> None:
    problem = the_problem("port = 8081\n".encode("utf-16"))
    assert "UTF-16" in problem.message
    assert place(problem) == (1, 1)


def test_a_nul_byte_has_a_place() -> None:
    assert place(the_problem(b"port = 8081\n# \x00\n")) == (2, 3)
    assert the_problem(b"a\x00 = 1\n").code == "slot.schema"


@pytest.mark.parametrize("opening", ["[", "{a="])
@pytest.mark.parametrize("depth", [3000, 200_000])
def test_deep_nesting_has_a_place(opening: str, depth: int) -> None:
    problem = the_problem("port = 8081\nx = " + opening * depth)
    assert "nested too deeply" in problem.message
    assert place(problem)[0] == 2


def test_three_thousand_brackets_alone_have_a_place() -> None:
    assert place(the_problem("[" * 3000))[0] == 1


def test_a_key_of_a_thousand_parts_is_no_crash() -> None:
    assert the_problem(".".join(["a"] * 5000) + " = 1\n").code == "slot.schema"
    assert the_problem("port = 0\n" + ".".join(["model"] * 900) + " = 1\n" * 2).code == "slot.schema"


@pytest.mark.parametrize("digits", ["9" * 5000, "0x" + "f" * 6000])
def test_a_number_of_thousands_of_digits_has_a_place(digits: str) -> None:
    problem = the_problem(f"enabled = true\nport = {digits}\n")
    assert place(problem) == (2, 8)


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e400"])
def test_numbers_that_are_none_are_refused(value: str) -> None:
    assert place(the_problem(f"idle_timeout_s = {value}\n")) == (1, 18)


def test_conflict_markers_inside_a_good_text_are_text() -> None:
    assert chat('[server]\nextra_args = """\n<<<<<<< HEAD\n"""\n').extra_args == "<<<<<<< HEAD\n"


def test_the_other_files_are_read_whatever_one_of_them_holds() -> None:
    taken = snapshot({"slots/bad.toml": b"\x00\xff", "slots/deep.toml": "[" * 3000, "slots/chat.toml": GOOD})
    assert [problem.file for problem in taken.problems] == ["slots/bad.toml", "slots/deep.toml"]
    assert list(taken.slots) == ["chat"]


@pytest.mark.parametrize("text", [b"", b"\n\n", b"# x\n  # y\r\n", b"\xef\xbb\xbf# x"])
def test_comments_and_white_space_are_blank(text: bytes) -> None:
    assert is_blank(text)
    assert the_problem(text).code == "slot.empty"


def test_a_key_is_not_blank() -> None:
    assert not is_blank(b"# x\nport = 1\n")


def test_a_file_that_was_refused_before_reading_is_a_problem() -> None:
    from hal0_operator.desired.assemble import assemble
    from hal0_operator.desired.source import HomeFiles, SourceFile
    from tests.desired.texts import SEEDS

    refused = {
        file: SourceFile(file, refused="is a link that leaves the home")
        for file in ("slots/chat.toml", "profiles.toml", "capabilities.toml")
    }
    taken, _ = assemble(HomeFiles(refused), SEEDS)
    assert [(p.code, p.file, place(p)) for p in taken.problems] == [
        ("capability.schema", "capabilities.toml", (1, 1)),
        ("profile.schema", "profiles.toml", (1, 1)),
        ("slot.schema", "slots/chat.toml", (1, 1)),
    ]
    assert taken.broken_files == {"profiles.toml", "capabilities.toml"}
    assert taken.broken == {"slot/chat"}
