"""Verbs without an operator, where the settings follow a repository: the revision that is here is the home."""

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from hal0_operator.cli.diagnosis import folders
from hal0_operator.cli.options import resolve
from hal0_operator.gitops.repository import HostGit
from hal0_operator.model.settings import GitopsSettings

GOOD = 'port = 8101\n[model]\ndefault = "m"\n'


class Machine(NamedTuple):
    """``words`` name its settings and state directory."""

    url: str
    state: Path
    words: tuple[str, ...]

    def take(self) -> str:
        """What the operator does at a look."""
        git = HostGit(GitopsSettings(url=self.url), str(self.state))
        commit = git.tip()
        git.fetch(commit)
        return git.export(commit)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    work, state = tmp_path / "repository", tmp_path / "state"
    (work / "slots").mkdir(parents=True)
    state.mkdir()
    (work / "slots" / "chat.toml").write_text(GOOD)
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "a home")):
        subprocess.run(("git", "-C", work, *identity, *words), check=True, capture_output=True)
    config = tmp_path / "config.toml"
    config.write_text(f'[gitops]\nurl = "file://{work}"\n')
    return Machine(f"file://{work}", state, ("--config", str(config), "--state-dir", str(state)))


def test_validate_checks_the_revision_that_is_here(hal0ctl, machine) -> None:
    machine.take()
    ran = hal0ctl("validate", *machine.words)
    assert (ran.code, "1 file read, 0 errors" in ran.out) == (0, True)


def test_validate_of_a_named_checkout_needs_no_revision(hal0ctl, machine, home) -> None:
    assert hal0ctl("validate", str(home), *machine.words).code == 0


@pytest.mark.parametrize("words", [("validate",), ("slot", "edit", "chat", "--set", "port=8102")])
def test_before_the_first_revision_the_verbs_say_who_fetches_it(hal0ctl, machine, words) -> None:
    ran = hal0ctl(*words, *machine.words)
    assert ran.code == 1
    assert f"no revision of {machine.url} is here yet: hal0ctl run fetches it" in ran.err


def test_nothing_is_written_and_the_diff_to_commit_is_shown(hal0ctl, machine) -> None:
    folder = Path(machine.take())
    ran = hal0ctl("slot", "edit", "chat", "--set", "port=8102", *machine.words)
    assert ran.code == 1
    assert f"gitops.read_only: this home follows {machine.url}" in ran.err
    assert "-port = 8101\n+port = 8102" in ran.err
    assert (folder / "slots" / "chat.toml").read_text() == GOOD
    assert not (folder / ".hal0").exists()


def test_a_dry_run_shows_it_too(hal0ctl, machine) -> None:
    machine.take()
    ran = hal0ctl("slot", "edit", "chat", "--set", "port=8102", "--dry-run", "-o", "json", *machine.words)
    assert ran.code == 0
    body = json.loads(ran.out)
    assert (body["committed"], [file["file"] for file in body["files"]]) == (False, ["slots/chat.toml"])


def test_a_named_checkout_is_written_as_any_home(hal0ctl, machine, home) -> None:
    ran = hal0ctl("slot", "edit", "chat", "--set", "port=8102", "--home", str(home), *machine.words)
    assert ran.code == 0
    assert "port = 8102" in (home / "slots" / "chat.toml").read_text()


@pytest.mark.parametrize("verb", ["run", "apply", "plan"])
def test_a_home_beside_the_repository_is_one_too_many(hal0ctl, machine, home, verb) -> None:
    ran = hal0ctl(verb, str(home), *machine.words)
    assert ran.code == 2
    assert f"follows {machine.url}, so no home is to be named" in ran.err


def test_doctor_looks_at_the_repository_in_the_place_of_a_folder(machine) -> None:
    paths = resolve(dict(zip(("config", "state_dir"), machine.words[1::2], strict=True)), {}, 0)
    before = next(iter(folders.look(paths)))
    assert (before.level, before.message.startswith(f"follows {machine.url}: no revision of")) == ("warn", True)
    folder = machine.take()
    after = next(iter(folders.look(paths)))
    assert (after.level, after.message) == ("ok", f"follows {machine.url}, its last revision is in {folder}")
