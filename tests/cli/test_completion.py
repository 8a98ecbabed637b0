"""Completion scripts: what a shell offers after what was typed."""

import os
import shutil
import subprocess
import sys

import pytest

from hal0_operator.cli.verbs import VERBS

BASH = shutil.which("bash")


@pytest.fixture
def complete(hal0ctl, tmp_path, home):
    """The words that bash offers for the last of ``words``; ``hal0ctl`` in the script is this one."""
    script = tmp_path / "completion.bash"
    script.write_text(hal0ctl("completion", "bash").out)
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "hal0ctl").write_text(
        f'#!/bin/sh\ncd "{os.getcwd()}" && exec "{sys.executable}" -m tests.support.hal0ctl --home "{home}" --state-dir "{tmp_path}" "$@"\n'
    )
    (folder / "hal0ctl").chmod(0o755)

    def offered(*words: str) -> list[str]:
        listed = " ".join(f"'{word}'" for word in words)
        line = f'. "{script}"; COMP_WORDS=({listed}); COMP_CWORD={len(words) - 1}; _hal0ctl; printf "%s\\n" "${{COMPREPLY[@]}}"'
        environ = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
        done = subprocess.run([BASH, "-c", line], capture_output=True, text=True, check=True, env=environ, timeout=20)
        return done.stdout.split()

    return offered


def test_verbs_are_offered_first(complete):
    assert complete("hal0ctl", "") == list(VERBS)
    assert complete("hal0ctl", "re") == ["resume", "restart"]


def test_an_options_value_is_no_verb(complete):
    assert complete("hal0ctl", "--home", "get", "res") == ["resume", "restart"]


def test_options_and_kinds_of_a_verb_are_offered(complete):
    assert complete("hal0ctl", "get", "--wa") == ["--watch"]
    assert complete("hal0ctl", "get", "p") == ["profiles"]
    assert "--state-dir" in complete("hal0ctl", "restart", "--")


def test_commands_of_a_verb_are_offered_then_what_they_take(complete):
    assert complete("hal0ctl", "slot", "") == ["create", "edit", "delete"]
    assert complete("hal0ctl", "--home", "/x", "profile", "cl") == ["clone"]
    assert complete("hal0ctl", "slot", "edit", "") == ["chat"]
    assert complete("hal0ctl", "capability", "set", "voice.") == ["voice.stt", "voice.tts"]
    assert complete("hal0ctl", "slot", "edit", "--contex") == ["--context-size"]


def test_slots_are_offered_without_an_operator_too(complete, home):
    (home / "slots" / "code.toml").write_text("")
    (home / "slots" / "code.toml~").write_text("")
    assert complete("hal0ctl", "describe", "") == ["chat", "code"]


def test_slots_come_from_the_operator_when_one_runs(hal0ctl, live):
    assert hal0ctl("completion", "--slots").out == "chat\ncode\n"


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_every_verb_and_its_summary_is_in_the_script(hal0ctl, shell):
    script = hal0ctl("completion", shell).out
    for name, verb in VERBS.items():
        assert name in script
        assert verb.summary.split(";")[0].split("'")[0] in script


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_itself_finds_no_fault(hal0ctl, tmp_path, shell):
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    script = tmp_path / "script"
    script.write_text(hal0ctl("completion", shell).out)
    subprocess.run([program, "-n", str(script)], check=True, timeout=20)
