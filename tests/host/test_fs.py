"""Files are read without following links and written all-old or all-new."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from hal0_operator.host.clock import SystemClock, SystemRng
from hal0_operator.host.fs import HostFs

fs = HostFs()


def test_nothing_has_no_stat_and_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert fs.stat(str(tmp_path / "nothing")) is None
    assert fs.stat(str(tmp_path / "file" / "below")) is None


def test_a_folder_that_became_a_link_is_not_read_through(tmp_path: Path) -> None:
    """Between a look and the read that follows it anyone who can write there may have swapped it."""
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    for folder in (root / "slots", elsewhere):
        folder.mkdir(parents=True)
        (folder / "chat.toml").write_text(folder.name)
    home, path = str(root), str(root / "slots" / "chat.toml")
    assert fs.read(path, 100, below=home) == b"slots"
    (root / "slots").rename(root / "old")
    (root / "slots").symlink_to("../elsewhere")
    with pytest.raises(OSError):
        fs.read(path, 100, below=home)
    assert fs.read(f"{home}/old/chat.toml", 100, below=f"{home}/") == b"slots"
    (root / "old" / "link.toml").symlink_to("chat.toml")
    with pytest.raises(OSError):
        fs.read(f"{home}/old/link.toml", 100, below=home)


def test_a_scan_tells_kinds_without_following_links(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("four")
    (tmp_path / "dir").mkdir()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    found = dict(fs.scan(str(tmp_path)))
    assert {name: stat.kind for name, stat in found.items()} == {
        "file": "file",
        "dir": "dir",
        "link": "link",
        "dangling": "link",
        "pipe": "other",
    }
    assert found["file"].size == 4
    assert found["file"] == fs.stat(str(tmp_path / "file"))


def test_reading_stops_one_byte_after_the_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    assert fs.read(str(tmp_path / "file"), 4) == b"01234"
    assert fs.read(str(tmp_path / "file"), 10) == b"0123456789"


def test_links_pipes_sockets_and_folders_are_not_read_and_do_not_block(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        for name in ("link", "pipe", "socket", ".", "nothing"):
            with pytest.raises(OSError):
                fs.read(str(tmp_path / name), 10)


def test_an_atomic_write_replaces_content_and_mode_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("old")
    (tmp_path / ".token.stage").write_text("left over from a crash")
    before = path.stat().st_ino
    fs.write_atomic(str(path), b"new", 0o600)
    assert path.read_bytes() == b"new" and path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_ino != before
    assert [entry.name for entry in tmp_path.iterdir()] == ["token"]


def test_a_write_never_goes_through_a_planted_link(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / ".file.stage").symlink_to("victim")
    fs.write_atomic(str(tmp_path / "file"), b"new")
    assert (tmp_path / "victim").read_text() == "precious"
    assert not (tmp_path / "file").is_symlink()


def test_a_write_that_cannot_be_finished_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    """A file size limit stands for a full disk."""
    (tmp_path / "file").write_text("old")
    code = (
        "import resource, signal, sys\n"
        "from hal0_operator.host.fs import HostFs\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    HostFs().write_atomic(sys.argv[1], b'x' * 5000)\n"
        "except OSError as error:\n    print(error.strerror)\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "file")], capture_output=True, text=True, check=True
    )
    assert shown.stdout == "File too large\n"
    assert (tmp_path / "file").read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_removing_what_is_absent_is_success(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    fs.remove(str(tmp_path / "file"))
    fs.remove(str(tmp_path / "file"))
    assert not (tmp_path / "file").exists()


def test_the_wall_clock_is_rfc_3339_in_utc_and_jitter_stays_in_its_share() -> None:
    wall = SystemClock().wall()
    assert len(wall) == len("2026-01-01T00:00:00Z") and wall.endswith("Z") and wall[10] == "T"
    assert SystemClock().monotonic() <= SystemClock().monotonic()
    assert all(0.8 <= SystemRng().jitter(0.2) <= 1.2 for _ in range(100))
