"""A file of the home in an editor: scripts stand in for the person."""

from pathlib import Path

import pytest

from hal0_operator.model.status import SourceStatus
from tests.support.fake_operator import slot

CHAT = '# the chat model\nport = 8081\n[model]\ndefault = "a"\n'
MINE = '[profile.mine]\nimage = "localhost/a"\n'


@pytest.fixture(autouse=True)
def here(home, tmp_path, monkeypatch):
    monkeypatch.setenv("HAL0CTL_HOME", str(home))
    monkeypatch.setenv("HAL0CTL_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.delenv("VISUAL", raising=False)
    (tmp_path / "tmp").mkdir()
    (home / "slots" / "chat.toml").write_text(CHAT)


@pytest.fixture
def editor(tmp_path, monkeypatch):
    """``$EDITOR`` runs one script each time it is opened; ``$1`` is the copy, which is kept as ``seen.N``."""
    count = tmp_path / "count"

    def write(*scripts: str) -> None:
        body = "\n".join(f"  {number}) {script} ;;" for number, script in enumerate(scripts, 1))
        program = tmp_path / "editor"
        program.write_text(
            f'#!/bin/sh\nn=$(($(cat "{count}" 2>/dev/null || echo 0) + 1))\necho $n >"{count}"\n'
            f'cp "$1" "{tmp_path}/seen.$n"\nls -l "$1" >"{tmp_path}/mode.$n"\ncase $n in\n{body}\nesac\n'
        )
        program.chmod(0o755)
        monkeypatch.setenv("EDITOR", f"'{program}'")

    return write


def seen(tmp_path, number):
    return (tmp_path / f"seen.{number}").read_text()


def left(tmp_path):
    return [path for path in (tmp_path / "tmp").rglob("*") if path.is_file()]


def test_what_was_saved_is_shown_and_written(hal0ctl, home, tmp_path, editor):
    editor('sed -i s/8081/8090/ "$1"')
    ran = hal0ctl("slot", "edit", "chat")
    assert ran.code == 0
    assert "-port = 8081\n+port = 8090\n" in ran.out
    assert "swap chat\n    port: 8081 → 8090\n" in ran.out
    assert "nothing is running" in ran.err
    assert (home / "slots" / "chat.toml").read_text() == CHAT.replace("8081", "8090")
    assert seen(tmp_path, 1) == CHAT
    assert (tmp_path / "mode.1").read_text().startswith("-rw-------")
    assert left(tmp_path) == []


def test_errors_come_back_on_top_until_they_are_gone(hal0ctl, home, tmp_path, editor):
    editor('sed -i s/port/prot/ "$1"', 'sed -i s/prot/port/\\;s/8081/8090/ "$1"')
    assert hal0ctl("slot", "edit", "chat").code == 0
    again = seen(tmp_path, 2).splitlines()
    assert all(line.startswith("# hal0ctl: ") for line in again[:3])
    place = f"slots/chat.toml:{again.index('prot = 8081') + 1}:1: slot.schema: unknown key `prot`"
    assert again[1].startswith(f"# hal0ctl: {place}")
    assert (home / "slots" / "chat.toml").read_text() == CHAT.replace("8081", "8090")


def test_the_same_faulty_text_twice_is_given_up(hal0ctl, home, tmp_path, editor):
    editor('sed -i s/port/prot/ "$1"', "true")
    ran = hal0ctl("slot", "edit", "chat")
    assert (ran.code, ran.out) == (1, "")
    assert "unknown key `prot`" in ran.err
    kept = ran.err.rstrip().rpartition(" ")[2]
    assert ran.err.endswith(f"given up, nothing was changed; your text is kept in {kept}\n")
    assert Path(kept).read_text() == CHAT.replace("port", "prot")
    assert (home / "slots" / "chat.toml").read_text() == CHAT


def test_an_unchanged_text_changes_nothing(hal0ctl, home, editor):
    editor("true")
    assert hal0ctl("slot", "edit", "chat") == (0, "", "nothing to change\n")
    assert (home / "slots" / "chat.toml").read_text() == CHAT


@pytest.mark.parametrize("script", [': >"$1"', 'printf "\\n \\n" >"$1"'])
def test_an_emptied_text_gives_up(hal0ctl, home, editor, script):
    editor(script)
    ran = hal0ctl("slot", "edit", "chat")
    assert ran.code == 1
    assert ran.err.startswith("the text was emptied\ngiven up, nothing was changed")
    assert (home / "slots" / "chat.toml").read_text() == CHAT


def test_a_file_that_is_not_read_is_not_edited(hal0ctl, home, editor):
    (home / "slots" / "far.toml").symlink_to("/etc/hostname")
    editor("true")
    ran = hal0ctl("slot", "edit", "far")
    assert ran.code == 1
    assert "slots/far.toml is a link that leaves the home" in ran.err


def test_an_error_that_was_there_before_is_not_saved_again(hal0ctl, home, tmp_path, editor):
    (home / "slots" / "chat.toml").write_text("prot = 1\n" + CHAT)
    editor('echo "# a note" >>"$1"', 'sed -i /prot/d "$1"')
    assert hal0ctl("slot", "edit", "chat").code == 0
    assert "unknown key `prot`" in seen(tmp_path, 2)
    assert (home / "slots" / "chat.toml").read_text() == CHAT + "# a note\n"


def test_what_is_wrong_with_another_profile_does_not_block(hal0ctl, home, tmp_path, editor):
    (home / "profiles.toml").write_text(MINE + "[profile.broken]\nprot = 1\n")
    editor('sed -i s,localhost/a,localhost/b, "$1"')
    assert hal0ctl("profile", "edit", "mine").code == 0
    assert (home / "profiles.toml").read_text().startswith(MINE.replace("localhost/a", "localhost/b"))
    editor("", "", 'echo "# a note" >>"$1"', 'sed -i /prot/,+1d "$1"; echo image = \\"localhost/c\\" >>"$1"')
    (tmp_path / "count").write_text("2")
    assert hal0ctl("profile", "edit", "broken").code == 0
    assert "# hal0ctl: profiles.toml:" in seen(tmp_path, 4)


def test_an_interrupt_is_the_editors_own(hal0ctl, home, editor):
    editor('kill -INT $PPID; sed -i s/8081/8090/ "$1"')
    assert hal0ctl("slot", "edit", "chat").code == 0
    assert (home / "slots" / "chat.toml").read_text() == CHAT.replace("8081", "8090")


def test_a_text_that_is_no_toml_can_be_corrected(hal0ctl, home, editor):
    (home / "profiles.toml").write_text("[profile.mine\n")
    editor('printf \'[profile.mine]\\nimage = "localhost/a"\\n\' >"$1"')
    assert hal0ctl("profile", "edit", "mine").code == 0
    assert (home / "profiles.toml").read_text() == MINE


def test_a_save_by_somebody_else_is_kept_and_so_is_the_text(hal0ctl, home, tmp_path, editor):
    other = home / "slots" / "chat.toml"
    editor(f'sed -i s/8081/8090/ "$1"; sed -i s/8081/8099/ "{other}"')
    ran = hal0ctl("slot", "edit", "chat")
    assert ran.code == 1
    assert "hal0ctl: changeset.conflict: slots/chat.toml: changed meanwhile" in ran.err
    assert other.read_text() == CHAT.replace("8081", "8099")
    (kept,) = left(tmp_path)
    assert f"your text is kept in {kept}\n" in ran.err
    assert kept.read_text() == CHAT.replace("8081", "8090")
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_profile_is_edited_in_its_file_and_its_slots_are_named(hal0ctl, home, editor):
    (home / "profiles.toml").write_text(MINE)
    for name in ("a", "b"):
        (home / "slots" / f"{name}.toml").write_text(f'profile = "mine"\n[model]\ndefault = "{name}"\n')
    editor('sed -i s,localhost/a,localhost/b, "$1"')
    ran = hal0ctl("profile", "edit", "mine", "--dry-run")
    assert "swap a\n    image: localhost/a → localhost/b\nswap b\n" in ran.out
    assert ran.err == "nothing was written\n"
    assert (home / "profiles.toml").read_text() == MINE


@pytest.mark.parametrize(
    ("command", "said"),
    [("false", "false ended with exit code 1"), ("no-such-editor", "no-such-editor: "), ("'", "No closing quotation")],
)
def test_an_editor_that_fails_is_said(hal0ctl, home, tmp_path, monkeypatch, command, said):
    monkeypatch.setenv("VISUAL", command)
    ran = hal0ctl("slot", "edit", "chat")
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err
    assert left(tmp_path) == []


def test_no_editor_at_all_names_the_other_way(hal0ctl, monkeypatch):
    monkeypatch.delenv("EDITOR", raising=False)
    assert "set $VISUAL or $EDITOR" in hal0ctl("slot", "edit", "chat").err


def test_with_an_operator_the_files_are_written_and_it_is_asked_to_look(hal0ctl, live, home, monkeypatch, editor):
    source = SourceStatus(kind="directory", url=str(home))
    monkeypatch.setattr(live.operator, "source", lambda: source)
    live.operator.listed = {"chat": slot("chat"), "code": slot("code", "CrashLoop")}
    editor('sed -i s/8081/8090/ "$1"')
    ran = hal0ctl("slot", "edit", "chat")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("chat: Ready\n")
    assert live.operator.wishes == [("trigger",), ("fresh",)]
    assert (home / "slots" / "chat.toml").read_text() == CHAT.replace("8081", "8090")
