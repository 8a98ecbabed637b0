"""Paths: what was said, what the environment says, and what is assumed of whom."""

import pytest

from hal0_operator.cli.options import Usage, resolve


def test_root_has_the_systems_folders():
    paths = resolve({}, {}, 0)
    assert paths.home == "/etc/hal0"
    assert paths.state_dir == "/var/lib/hal0-operator"
    assert paths.socket == "/var/lib/hal0-operator/operator.sock"
    assert paths.token == "/var/lib/hal0-operator/token"
    assert paths.config == "/etc/hal0-operator/config.toml"
    assert paths.runtime_dir == "/run"
    assert (paths.podman_url, paths.model_store) == ("", "")
    assert not paths.home_named
    assert not paths.config_named


def test_a_user_has_the_xdg_folders():
    paths = resolve({}, {"XDG_STATE_HOME": "/h/state", "XDG_RUNTIME_DIR": "/run/user/7"}, 7)
    assert (paths.state_dir, paths.runtime_dir) == ("/h/state/hal0-operator", "/run/user/7")


def test_a_relative_xdg_folder_counts_as_unset(monkeypatch):
    monkeypatch.setenv("HOME", "/h")
    paths = resolve({}, {"XDG_STATE_HOME": "state", "XDG_RUNTIME_DIR": ""}, 7)
    assert (paths.state_dir, paths.runtime_dir) == ("/h/.local/state/hal0-operator", "/run/user/7")


def test_an_option_beats_the_environment_beats_the_default():
    environ = {"HAL0CTL_HOME": "/env", "HAL0CTL_CONFIG": "/env.toml", "HAL0CTL_MODEL_STORE": "", "HAL0_HOME": "/hal0"}
    paths = resolve({"home": "/given/../here/"}, environ, 0)
    assert (paths.home, paths.config, paths.model_store) == ("/here", "/env.toml", "")
    assert paths.home_named
    assert paths.config_named


def test_a_link_is_not_followed(tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    assert resolve({"home": "link"}, {}, 0).home == str(tmp_path / "link")


def test_an_empty_option_is_a_mistake():
    with pytest.raises(Usage, match="--state-dir is empty"):
        resolve({"state_dir": ""}, {}, 0)


@pytest.mark.parametrize("words", [["--home", "{}", "init"], ["init", "--home={}"], ["init", "{}"]])
def test_the_home_is_taken_before_the_verb_after_it_and_in_its_place(hal0ctl, tmp_path, words):
    home = tmp_path / "h"
    assert hal0ctl(*(word.format(home) for word in words)).code == 0
    assert (home / "slots" / "chat.toml").exists()


def test_what_stands_after_the_verb_counts_last(hal0ctl, tmp_path):
    assert hal0ctl("--home", str(tmp_path / "a"), "init", "--home", str(tmp_path / "b")).code == 0
    assert not (tmp_path / "a").exists()
