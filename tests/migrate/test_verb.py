"""``hal0ctl migrate`` on real files."""

import pytest

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


def test_a_missing_home_is_said(tmp_path, home, capsys):
    assert migrate(tmp_path / "nowhere") == 1
    assert "there is no such home" in capsys.readouterr().err
