"""Killed at any moment, git or the operator itself: the next call finds nothing that hinders it, and nothing by half."""

import contextlib
import functools
import multiprocessing
import os
import random
import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hal0_operator.gitops.repository import HostGit
from hal0_operator.model.settings import GitopsSettings
from hal0_operator.seams.git import GitFault
from tests.gitops.conftest import Opened
from tests.gitops.http_server import HttpRemote
from tests.gitops.remotes import Remote, files

KILLS = 25


def children(pid: int) -> Iterator[int]:
    """Every process below one."""
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                yield int(child)
                yield from children(int(child))


def leftovers(state: Path) -> list[str]:
    names = [path.name for folder in ("git", "revisions") for path in (state / folder).iterdir()]
    return [name for name in names if name.startswith(".") or name.endswith(".stage")]


def whole(remote: Remote, git: HostGit, commit: str) -> None:
    """The commit can be had, and every export that is known is as it was committed."""
    assert files(git.export(commit)) == committed(remote, commit)
    for revision in git.kept():
        assert files(git.export(revision.commit)) == committed(remote, revision.commit)


@functools.cache
def committed(remote: Remote, commit: str) -> dict[str, bytes]:
    names = remote.git("ls-tree", "-r", "--name-only", commit).splitlines()
    read = subprocess.run(
        ["git", "cat-file", "--batch"],
        input="".join(f"{commit}:{name}\n" for name in names).encode(),
        cwd=remote.work,
        capture_output=True,
        check=True,
    ).stdout
    found = {}
    for name in names:
        head, _, read = read.partition(b"\n")
        size = int(head.split()[2])
        found[name], read = read[:size], read[size + 1 :]
    return found


def export_and_end(settings: GitopsSettings, state: str, commit: str) -> None:
    git = HostGit(settings, state)
    git.export(git.fetch(commit).commit)
    git.prune(2, frozenset())


@pytest.fixture
def commits(remote: Remote) -> list[str]:
    """One more than there are kills; each changes every slot of thirty."""
    made = []
    for number in range(KILLS + 1):
        for slot in range(30):
            remote.write(f"slots/s{slot}.toml", f"port = {number * 100 + slot + 1}\n")
        made.append(remote.commit(f"Number {number}"))
        remote.git("update-ref", f"refs/heads/n{number}", made[-1])
    remote.git("push", "-q", "origin", "refs/heads/*:refs/heads/*")
    return made


def test_the_operator_killed_at_any_instant(remote: Remote, opened: Opened, commits: list[str], tmp_path: Path) -> None:
    forked = multiprocessing.get_context("fork")
    chance, cut = random.Random(1), 0
    settings, state = GitopsSettings(url=remote.url), tmp_path / "state"
    longest = None  # the first one is let through, and tells how long it takes
    for commit in commits:
        began = time.monotonic()
        operator = forked.Process(target=export_and_end, args=(settings, str(state), commit))
        operator.start()
        operator.join(timeout=longest and chance.uniform(0, 0.8 * longest))
        operator.kill()
        operator.join()
        longest = longest or time.monotonic() - began
        cut += operator.exitcode == -signal.SIGKILL
        if chance.random() < 0.5:  # else the next one that is killed meets what this one left
            git = opened()
            whole(remote, git, commit)
            git.prune(3, frozenset())
            git.close()
            assert leftovers(state) == []
    assert cut >= KILLS / 5
    git = opened()
    whole(remote, git, commits[-1])
    assert leftovers(state) == []
    git.close()


def test_git_killed_at_any_instant(remote: Remote, opened: Opened, commits: list[str], tmp_path: Path) -> None:
    chance, cut = random.Random(2), 0
    git = opened()
    longest = None
    for commit in commits:
        began = time.monotonic()
        faults: list[GitFault] = []

        def call(commit: str = commit, faults: list[GitFault] = faults) -> None:
            try:
                git.export(commit)
            except GitFault as fault:
                faults.append(fault)

        calling = threading.Thread(target=call)
        calling.start()
        calling.join(timeout=longest and chance.uniform(0, 0.8 * longest))
        longest = longest or time.monotonic() - began
        found = [pid for pid in children(os.getpid()) if is_git(pid)]
        for pid in chance.sample(found, min(len(found), 1)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                cut += 1
        calling.join()
        assert {fault.kind for fault in faults} <= {"local", "unreachable"}, faults
        whole(remote, git, commit)
        git.prune(2, frozenset())
        assert leftovers(tmp_path / "state") == []
    assert cut >= KILLS / 5


def is_git(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return "git" in Path(f"/proc/{pid}/cmdline").read_text()
    return False


def test_a_fetch_that_outlives_its_operator_ends_by_itself_and_spoils_nothing(
    remote: Remote, opened: Opened, tmp_path: Path
) -> None:
    forked = multiprocessing.get_context("fork")
    state = tmp_path / "state"
    with HttpRemote(tmp_path) as server:
        settings = GitopsSettings(url=server.url, timeout_s=1)
        commit = opened(url=server.url).tip()
        server.held.clear()
        operator = forked.Process(target=export_and_end, args=(settings, str(state), commit))
        operator.start()
        assert server.reached.wait(20)
        assert operator.pid is not None
        ends = [os.pidfd_open(pid) for pid in children(operator.pid)]
        assert len(ends) >= 2
        operator.kill()
        operator.join()
        server.held.set()
        assert files(opened(url=server.url).export(commit)) == committed(remote, commit)
        server.held.clear()
        for end in ends:
            waiting = threading.Event()
            while not _ended(end):
                waiting.wait(0.02)
            os.close(end)
    assert leftovers(state) == []


def _ended(pidfd: int) -> bool:
    return bool(select.select([pidfd], [], [], 0)[0])


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of half a mebibyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def filled(folder: Path, leave: int) -> Path:
    """A file that leaves so many bytes free."""
    found = os.statvfs(folder)
    ballast = folder / "ballast"
    ballast.write_bytes(b"\0" * max(found.f_bavail * found.f_bsize - leave, 0))
    return ballast


def test_a_full_disk_is_named_and_forgotten_once_there_is_room(remote: Remote, small: Path, tmp_path: Path) -> None:
    (tmp_path / "state").symlink_to(small)
    git = HostGit(GitopsSettings(url=remote.url), str(tmp_path / "state"))
    first = git.tip()
    git.export(first)
    for slot in range(40):
        remote.write(f"slots/s{slot}.toml", f"port = {slot + 1}\n# {random.Random(slot).randbytes(400).hex()}\n")
    second = remote.push()
    for leave in (0, 8_192, 65_536, 131_072):
        ballast = filled(small, leave)
        with pytest.raises(GitFault, match="No space left|cannot be written") as fault:
            git.export(second)
        assert fault.value.kind == "local"
        assert files(git.export(first)) == committed(remote, first)
        assert [revision.commit for revision in git.kept()] == [first]
        ballast.unlink()
    whole(remote, git, second)
    git.close()
    assert leftovers(small) == []
