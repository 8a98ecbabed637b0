"""``hal0ctl migrate`` on real files."""

import hashlib
import json

import pytest

from hal0_operator.cli import migrate as verb
from hal0_operator.cli.dispatch import dispatch
from hal0_operator.home.identity import home_id
from hal0_operator.home.lock import operator_lock, operator_lock_path
from hal0_operator.host.fs import HostFs

OLD = 'device = "gpu-vulkan"\nprofile = "vulkan-std"  # old\n[model]\ndefault = "m"\n'
NEW = OLD.replace('"vulkan-std"', '"vulkan"')


@pytest.fixture
def home(tmp_path, monkeypatch):
    runtime = tmp_path / "run"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.setattr("hal0_operator.cli.options._runtime", lambda *_: str(runtime))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.delenv("HAL0CTL_CONFIG", raising=False)
    folder = tmp_path / "home"
    (folder / "slots").mkdir(parents=True)
    (folder / "slots" / "chat.toml").write_text(OLD)
    return folder


def migrate(home, *more):
    return dispatch(["migrate", "--home", str(home), *more])


def test_it_shows_a_diff_and_changes_nothing(home, capsys):
    assert migrate(home) == 0
    out = capsys.readouterr().out
    assert '-profile = "vulkan-std"  # old\n+profile = "vulkan"  # old\n' in out
    assert (home / "slots" / "chat.toml").read_text() == OLD
    assert [path.name for path in home.iterdir()] == ["slots"]


def test_its_diff_does_not_show_a_secret(home, capsys):
    (home / "slots" / "chat.toml").write_text(OLD + '[server]\nenv = { A_KEY = "canary" }\n')
    (home / "slots" / "code.toml").write_text('backend = "vulkan"\n[server]\nextra_args = "--hf-token canary"\n')
    assert migrate(home) == 0
    out = capsys.readouterr().out
    assert '+device = "gpu-vulkan"\n' in out
    assert "canary" not in out


def test_it_writes_when_asked_and_only_once(home, capsys):
    assert migrate(home, "--write") == 0
    assert (home / "slots" / "chat.toml").read_text() == NEW
    assert (home / ".hal0" / ".gitignore").read_text() == "*\n"
    capsys.readouterr()
    assert migrate(home, "--write") == 0
    assert "nothing to migrate" in capsys.readouterr().out


def test_it_writes_nothing_while_an_operator_holds_the_home(home, tmp_path, capsys):
    path = operator_lock_path(str(tmp_path / "run"), home_id(str(home)))
    held = operator_lock(HostFs(), path, str(home), 1)
    try:
        assert migrate(home, "--write") == 1
    finally:
        held.release()
    assert "nothing was written" in capsys.readouterr().err
    assert (home / "slots" / "chat.toml").read_text() == OLD


def test_a_file_that_changed_since_it_was_read_is_left_alone_and_so_are_the_others(home, monkeypatch, capsys):
    (home / "slots" / "code.toml").write_text(OLD)
    planned = verb._plan

    def and_then_a_save(*args):
        found = planned(*args)
        (home / "slots" / "chat.toml").write_text("# mine\n")
        return found

    monkeypatch.setattr(verb, "_plan", and_then_a_save)
    assert migrate(home, "--write") == 1
    assert "slots/chat.toml: changed meanwhile; nothing was written" in capsys.readouterr().err
    assert (home / "slots" / "chat.toml").read_text() == "# mine\n"
    assert (home / "slots" / "code.toml").read_text() == OLD


def test_what_an_earlier_writer_had_committed_is_finished_first(home, capsys):
    (home / "slots" / "code.toml").write_text(OLD)
    (home / ".hal0" / "stage").mkdir(parents=True)
    (home / ".hal0" / "stage" / "0123456789abcdef-0").write_text("port = 1\n")
    old, new = (hashlib.sha256(text.encode()).hexdigest() for text in (OLD, "port = 1\n"))
    file = "slots/code.toml"
    entry = {"file": file, "path": file, "old": old, "new": new, "stage": "0123456789abcdef-0"}
    (home / ".hal0" / "journal").write_text(json.dumps({"schema": 1, "entries": [entry]}))
    assert migrate(home, "--write") == 0
    assert (home / "slots" / "chat.toml").read_text() == NEW
    assert (home / file).read_text() == "port = 1\n"
    assert sorted(path.name for path in (home / ".hal0").iterdir()) == [".gitignore", "lock"]


def test_a_missing_home_is_said(tmp_path, home, capsys):
    assert migrate(tmp_path / "nowhere") == 1
    assert "there is no such home" in capsys.readouterr().err
