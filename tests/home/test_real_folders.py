"""The same reader on a real file system, and what only a real one has."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from hal0_operator.desired.source import HomeFiles
from hal0_operator.home.read import Reader, read_once
from hal0_operator.host.fs import HostFs

GIT = ("git", "-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "init.defaultBranch=main")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    (home / "slots").mkdir(parents=True)
    (home / "slots" / "chat.toml").write_text("port = 8101\n")
    return home


class Looking:
    """Looks at told times: the file system is real, the clock is not."""

    def __init__(self, home: Path) -> None:
        self.reader = Reader(HostFs(), str(home))
        self.now = 0.0

    def settle(self) -> HomeFiles:
        while not (reading := self.reader.look(self.now)).settled:
            self.now = reading.again_at
        return reading.files


def test_atomic_saves_overwrites_and_recreated_folders_are_all_seen(home: Path) -> None:
    looking = Looking(home)
    chat = home / "slots" / "chat.toml"
    for round in range(3):
        staged = home / "slots" / "chat.toml.tmp"
        staged.write_text(f"port = 82{round:02}\n")
        staged.rename(chat)
        assert looking.settle().files["slots/chat.toml"].data == f"port = 82{round:02}\n".encode()
        chat.write_text(f"port = 83{round:02}\n")
        assert looking.settle().files["slots/chat.toml"].data == f"port = 83{round:02}\n".encode()
        (home / "slots").rename(home / f"slots{round}")
        (home / "slots").mkdir()
        chat.write_text(f"port = 84{round:02}\n")
        assert looking.settle().files["slots/chat.toml"].data == f"port = 84{round:02}\n".encode()


def test_a_git_checkout_is_read_whole(home: Path) -> None:
    def git(*words: str) -> None:
        subprocess.run((*GIT, *words), cwd=home, check=True, capture_output=True)

    git("init")
    git("add", ".")
    git("commit", "-m", "one")
    (home / "slots" / "code.toml").write_text("port = 8102\n")
    (home / "slots" / "chat.toml").unlink()
    git("add", ".")
    git("commit", "-m", "two")
    looking = Looking(home)
    assert set(looking.settle().files) == {"slots/code.toml"}
    git("checkout", "HEAD~1")
    assert set(looking.settle().files) == {"slots/chat.toml"}


def test_a_linked_work_tree_below_a_repository_is_watched_for_its_own_lock(tmp_path: Path) -> None:
    subprocess.run((*GIT, "init", "repo"), cwd=tmp_path, check=True, capture_output=True)
    subprocess.run((*GIT, "commit", "--allow-empty", "-m", "x"), cwd=tmp_path / "repo", check=True, capture_output=True)
    subprocess.run((*GIT, "worktree", "add", "../tree"), cwd=tmp_path / "repo", check=True, capture_output=True)
    (tmp_path / "tree" / "hal0" / "slots").mkdir(parents=True)
    looking = Looking(tmp_path / "tree" / "hal0")
    looking.settle()
    lock = tmp_path / "repo" / ".git" / "worktrees" / "tree" / "index.lock"
    lock.touch()
    reading = looking.reader.look(looking.now + 1)
    assert "index.lock" in reading.files.busy
    lock.unlink()
    assert looking.reader.look(looking.now + 2).settled


def test_pipes_sockets_and_folders_never_block_a_look(home: Path) -> None:
    os.mkfifo(home / "slots" / "pipe.toml")
    (home / "slots" / "folder.toml").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(home / "slots" / "socket.toml"))
        files = read_once(HostFs(), str(home)).files
    assert all("not a regular file" in files[f"slots/{name}.toml"].refused for name in ("pipe", "folder", "socket"))


def test_a_pipe_in_the_place_of_the_lock_never_blocks_a_look(home: Path) -> None:
    (home / ".hal0").mkdir()
    os.mkfifo(home / ".hal0" / "lock")
    assert "slots/chat.toml" in read_once(HostFs(), str(home)).files


def test_a_link_to_a_pipe_inside_the_home_is_refused(home: Path) -> None:
    os.mkfifo(home / "pipe")
    (home / "slots" / "link.toml").symlink_to("../pipe")
    assert "not a regular file" in read_once(HostFs(), str(home)).files["slots/link.toml"].refused


def test_a_link_that_nobody_can_follow_is_refused_alone(home: Path) -> None:
    (home / "slots" / "link.toml").symlink_to("x" * 300)
    found = read_once(HostFs(), str(home))
    assert found.slots_folder
    assert "cannot be followed" in found.files["slots/link.toml"].refused
    assert found.files["slots/chat.toml"].refused == ""


def test_something_else_in_the_place_of_the_slots_folder_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "slots")
    found = read_once(HostFs(), str(tmp_path))
    assert not found.slots_folder
    assert "not a folder" in found.files["slots"].refused


def test_a_name_that_is_no_utf8_is_read(home: Path) -> None:
    with open(os.fsencode(home / "slots") + b"/caf\xe9.toml", "w") as file:
        file.write("port = 1\n")
    assert read_once(HostFs(), str(home)).files["slots/caf\\udce9.toml"].data == b"port = 1\n"


def test_looking_again_at_a_thousand_files_reads_none_of_them(home: Path) -> None:
    for number in range(1_000):
        (home / "slots" / f"s{number}.toml").write_text(f"port = {number}\n")
    looking = Looking(home)
    before = looking.settle()
    for step in range(20):
        assert looking.reader.look(looking.now + step).files is before
    assert len(before.files) == 1_001
