"""The verbs that write a home, with the containers that come of it: exit 0 means that they are Ready."""

from pathlib import Path

import pytest

from tests.support.operator_process import OperatorProcess


def done(operator: OperatorProcess, *words: str, code: int = 0) -> str:
    ran = operator.hal0ctl(*words)
    assert ran.returncode == code, f"{words}: {ran.returncode}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


def replaced(operator: OperatorProcess, before: dict[str, str]) -> set[str]:
    """The containers that are not what they were, whether anew, other ones, or gone."""
    return {name for name, _ in before.items() ^ operator.cids().items()}


def test_a_slot_is_edited_created_and_deleted(running: OperatorProcess) -> None:
    before = running.cids()
    out = done(running, "slot", "edit", "chat", "--context-size", "8192")
    assert "swap chat\n    context_size: 4096 → 8192\n" in out and out.endswith("chat: Ready\n")
    assert replaced(running, before) == {"hal0-chat"}

    before, port = running.cids(), str(running.home.ports[7])
    out = done(running, "slot", "create", "new", "--profile", "stub", "--model", "m.gguf", "--port", port)
    assert "load new\n" in out and out.endswith("new: Ready\n")
    assert replaced(running, before) == {"hal0-new"}

    done(running, "slot", "delete", "new")
    assert running.cids() == before, "exit 0 means that its container is gone"
    refused = running.hal0ctl("slot", "edit", "chat", "--port", str(running.home.ports[1]))
    assert refused.returncode == 1 and "port.conflict" in refused.stderr
    assert running.cids() == before


def test_a_profiles_edit_swaps_each_of_its_slots(running: OperatorProcess) -> None:
    before = running.cids()
    out = done(running, "profile", "edit", "stub", "--set", "flags=--parallel 2")
    assert "3 slots are swapped; of those that share a profile one at a time\n" in out
    assert out.endswith("chat: Ready\ncode: Ready\nutil: Ready\n")
    assert replaced(running, before) == {"hal0-chat", "hal0-code", "hal0-util"}
    assert replaced(running, running.cids() | {"hal0-chat": before["hal0-chat"]}) == {"hal0-chat"}


def test_a_file_that_was_saved_in_an_editor_is_waited_for(
    running: OperatorProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "editor"
    program.write_text('#!/bin/sh\nsed -i s/4096/2048/ "$1"\n')
    program.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(program))
    before = running.cids()
    assert done(running, "slot", "edit", "code").endswith("code: Ready\n")
    assert replaced(running, before) == {"hal0-code"}


def test_a_wish_to_a_model_that_fails_is_exit_1(running: OperatorProcess) -> None:
    ran = running.hal0ctl("slot", "edit", "chat", "--model", "missing.gguf", "--timeout", "20")
    assert ran.returncode == 1
    assert ran.stderr.startswith("chat: ")


def test_what_was_wished_without_an_operator_is_what_it_starts_with(running: OperatorProcess) -> None:
    before = running.cids()
    assert running.stop() == 0
    ran = running.hal0ctl("slot", "edit", "util", "--disable")
    assert (ran.returncode, running.cids()) == (0, before)
    assert "unload util\n" in ran.stdout and "nothing is running" in ran.stderr
    running.start()
    running.until_phase("util", "Off")
    assert replaced(running, before) == {"hal0-util"}
