"""What a terminal is shown of foreign text."""

import io

import pytest

from hal0_operator.cli.output import did_you_mean, neutral, table
from hal0_operator.cli.screen import Screen


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("ümläut → 漢字", "ümläut → 漢字"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("two\nlines\r\tover", r"two\nlines\r\tover"),
        ("\x9b2J\x7f\x00", r"\x9b2J\x7f\x00"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("\udc80", r"\udc80"),
        ("\U000e0001", r"\U000e0001"),
    ],
)
def test_control_and_formatting_characters_become_visible(text, shown):
    assert neutral(text) == shown


def test_a_table_aligns_its_columns_and_shows_empty_cells():
    assert table([["chat", "Ready", ""], ["a-long-one", "Off", "why\nnot"]], ["NAME", "PHASE", "WHY"]) == [
        "NAME        PHASE  WHY",
        "chat        Ready  -",
        r"a-long-one  Off    why\nnot",
    ]


def test_only_a_near_word_is_suggested():
    assert did_you_mean("slots", ["slot", "profile"]) == ", did you mean 'slot'?"
    assert did_you_mean("zzz", ["slot"]) == ""


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("LINES", "5")
    return Terminal()


def test_a_repaint_goes_back_over_what_it_painted(terminal, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen(terminal)
    screen.repaint(["one", "two"])
    assert terminal.getvalue() == "\rone\x1b[K\ntwo\x1b[K\n\x1b[J"
    terminal.truncate(terminal.seek(0))
    screen.repaint(["only"])
    assert terminal.getvalue() == "\x1b[2A\ronly\x1b[K\n\x1b[J"


def test_what_does_not_fit_is_cut(terminal, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    Screen(terminal).repaint(["x" * 50, "2", "3", "4", "5", "6"])
    rows = terminal.getvalue().split("\x1b[K\n")
    assert rows[:4] == ["\r" + "x" * 19, "2", "3", "… 3 more"]


def test_a_phase_is_coloured_on_a_terminal_only(terminal, monkeypatch):
    Screen(terminal).write(["chat  Ready  llm"])
    assert terminal.getvalue() == "chat  \x1b[32mReady\x1b[0m  llm\n"
    monkeypatch.setenv("NO_COLOR", "1")
    plain = Terminal()
    Screen(plain).write(["chat  Ready  llm"])
    pipe = io.StringIO()
    monkeypatch.delenv("NO_COLOR")
    Screen(pipe).write(["chat  Ready  llm"])
    assert plain.getvalue() == pipe.getvalue() == "chat  Ready  llm\n"
