"""What two revisions have in common is kept once: a change costs what it changes, and no revision has a say in another."""

import itertools
import multiprocessing
import os
import random
import signal
import stat as modes
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hal0_operator.gitops.limits import Limits
from hal0_operator.gitops.repository import HostGit
from hal0_operator.model.settings import GitopsSettings
from hal0_operator.seams.git import GitFault
from tests.gitops.conftest import Opened
from tests.gitops.remotes import Remote, files
from tests.gitops.test_kills import leftovers, whole

KILLS = 12
CHANGED = b"port = 9000\n"


def inodes(folder: str) -> dict[str, int]:
    return {name: os.lstat(f"{folder}/{name}").st_ino for name in files(folder)}


@pytest.fixture
def changed(remote: Remote, opened: Opened) -> tuple[HostGit, str, str]:
    """The folder of the first revision, exported, and a second commit that changes one of its slots."""
    git = opened()
    first = git.export(git.tip())
    remote.write("slots/s1.toml", CHANGED)
    return git, first, remote.push("Second")


def test_an_unchanged_file_is_one_with_that_of_the_revision_before(changed: tuple[HostGit, str, str]) -> None:
    git, first, commit = changed
    before, second = files(first), git.export(commit)
    assert files(second) == before | {"slots/s1.toml": CHANGED}
    assert {name for name in before if inodes(first)[name] != inodes(second)[name]} == {"slots/s1.toml"}
    assert files(first) == before
    for path in (Path(second), *Path(second).rglob("*")):
        assert not path.stat().st_mode & (modes.S_IWUSR | modes.S_IWGRP | modes.S_IWOTH)


def test_a_revision_that_goes_takes_nothing_from_the_next(changed: tuple[HostGit, str, str]) -> None:
    git, first, commit = changed
    before, second = files(first), git.export(commit)
    git.prune(1, frozenset())
    assert not Path(first).exists()
    assert files(second) == before | {"slots/s1.toml": CHANGED}


def test_files_that_come_go_move_and_change_places_are_as_committed(remote: Remote, opened: Opened) -> None:
    git = opened()
    git.export(git.tip())
    slots = remote.work / "slots"
    (slots / "s0.toml").rename(slots / "held")
    (slots / "s1.toml").rename(slots / "s0.toml")
    (slots / "held").rename(slots / "s1.toml")
    (slots / "s2.toml").rename(slots / "moved.toml")
    (remote.work / "profiles.toml").unlink()
    remote.write("capabilities.toml", "")
    commit = remote.push()
    whole(remote, git, commit)
    assert git.export(remote.push("The same once more")) != git.export(commit)
    whole(remote, git, remote.git("rev-parse", "HEAD"))


def test_an_operator_that_starts_takes_over_what_an_earlier_one_wrote(
    changed: tuple[HostGit, str, str], opened: Opened
) -> None:
    git, first, commit = changed
    git.close()
    second = opened().export(commit)
    assert files(second) == files(first) | {"slots/s1.toml": CHANGED}
    assert {name for name in files(first) if inodes(first)[name] != inodes(second)[name]} == {"slots/s1.toml"}


def overwritten(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(b"port = 8102\n# by hand\n")
    path.chmod(0o444)


def opened_up(path: Path) -> None:
    path.chmod(0o666)


def replaced(path: Path) -> None:
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[::-1])


def linked(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


def reversed_in_place(path: Path) -> None:
    """To the size and the time of before."""
    before = path.stat()
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    path.chmod(0o444)


ACTS = [overwritten, opened_up, replaced, linked, Path.unlink]


@pytest.mark.parametrize("act", ACTS)
def test_what_a_hand_does_to_a_revision_is_not_taken_over_into_the_next(
    changed: tuple[HostGit, str, str], act: Callable[[Path], object]
) -> None:
    git, first, commit = changed
    demand_unspoilt(git, first, commit, act)


@pytest.mark.parametrize("act", [*ACTS, reversed_in_place])
def test_nor_by_an_operator_that_starts(
    changed: tuple[HostGit, str, str], opened: Opened, act: Callable[[Path], object]
) -> None:
    git, first, commit = changed
    git.close()
    demand_unspoilt(opened(), first, commit, act)


def demand_unspoilt(git: HostGit, first: str, commit: str, act: Callable[[Path], object]) -> None:
    before = files(first)
    Path(first, "slots").chmod(0o755)
    act(Path(first, "slots/s2.toml"))
    second = git.export(commit)
    assert files(second) == before | {"slots/s1.toml": CHANGED}
    assert os.lstat(f"{second}/slots/s2.toml").st_mode == modes.S_IFREG | 0o444


def test_a_file_system_without_second_names_is_written_to_as_a_whole(
    changed: tuple[HostGit, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    git, first, commit = changed

    def link(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    second = git.export(commit)
    assert files(second) == files(first) | {"slots/s1.toml": CHANGED}
    assert not set(inodes(first).values()) & set(inodes(second).values())


def test_bytes_that_were_there_before_count_towards_the_bound_on_all(remote: Remote, opened: Opened) -> None:
    git = opened(limits=Limits(total=300))
    size = sum(len(data) for data in files(git.export(git.tip())).values())
    remote.write("slots/more.toml", b"#" * (301 - size))
    with pytest.raises(GitFault, match="more than 300 bytes together"):
        git.export(remote.push())
    remote.write("slots/more.toml", b"#" * (300 - size))
    whole(remote, git, remote.push())


def export_on_and_on(settings: GitopsSettings, state: str, commits: list[str]) -> None:
    git = HostGit(settings, state)
    for commit in itertools.cycle(commits):
        git.export(commit)
        git.prune(1, frozenset())


def test_killed_at_any_instant_of_taking_files_over(remote: Remote, opened: Opened, tmp_path: Path) -> None:
    remote.home(300)
    commits = [remote.push("Many")]
    for number in range(4):
        remote.write(f"slots/s{number}.toml", f"port = {number + 1}\n")
        commits.append(remote.push(f"Number {number}"))
    remote.git("push", "-q", "origin", *(f"{commit}:refs/heads/n{n}" for n, commit in enumerate(commits)))
    forked, chance, state = multiprocessing.get_context("fork"), random.Random(3), tmp_path / "state"
    began = time.monotonic()
    git = opened()
    for commit in commits:
        whole(remote, git, commit)
    git.close()
    once = time.monotonic() - began
    for _ in range(KILLS):
        settings = GitopsSettings(url=remote.url)
        operator = forked.Process(target=export_on_and_on, args=(settings, str(state), commits))
        operator.start()
        operator.join(timeout=chance.uniform(0.1, 1) * once)
        operator.kill()
        operator.join()
        assert operator.exitcode == -signal.SIGKILL
        git = opened()
        whole(remote, git, chance.choice(commits))
        git.prune(2, frozenset())
        git.close()
        assert set(leftovers(state)) <= {"index.json.stage"}  # which the next one that writes takes away
