"""One operator for each home, readers apart from writers, and no lock that outlives its holder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hal0_operator.home.lock import LockHeld, operator_lock, operator_lock_path, read_lock, write_lock
from hal0_operator.host.fs import HostFs

HOLD = """
import sys
from hal0_operator.home.lock import operator_lock
from hal0_operator.host.fs import HostFs
import os
held = operator_lock(HostFs(), sys.argv[1], "/etc/hal0", os.getpid())
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    return operator_lock_path(str(tmp_path / "run"), "0123456789abcdef")


def test_the_lock_file_stands_in_the_runtime_folder_under_the_homes_id(tmp_path: Path, path: str) -> None:
    assert path == f"{tmp_path}/run/hal0-operator/0123456789abcdef.lock"


@pytest.mark.parametrize("id", ["../../etc/cron.d/x", "a/b", "", ".hidden", "x" * 300, "a\0b"])
def test_no_home_id_leads_out_of_the_runtime_folder(id: str) -> None:
    path = operator_lock_path("/run", id)
    assert os.path.dirname(os.path.normpath(path)) == "/run/hal0-operator"
    assert "\0" not in path and len(os.path.basename(path)) < 100


def test_a_second_operator_is_told_the_home_and_the_holders_pid(path: str) -> None:
    held = operator_lock(HostFs(), path, "/etc/hal0", 4711)
    with pytest.raises(LockHeld, match=r"/etc/hal0 \(pid 4711\)"):
        operator_lock(HostFs(), path, "/etc/hal0", 4712)
    held.release()
    operator_lock(HostFs(), path, "/etc/hal0", 4712).release()


def test_what_a_stranger_wrote_into_the_lock_file_is_not_shown(path: str) -> None:
    held = operator_lock(HostFs(), path, "/etc/hal0", 1)
    Path(path).write_bytes(b"\x1b[31mhello")
    with pytest.raises(LockHeld) as refused:
        operator_lock(HostFs(), path, "/etc/hal0", 2)
    assert "hello" not in str(refused.value)
    held.release()


def test_a_killed_holder_blocks_nobody_and_its_file_may_stay(path: str) -> None:
    with subprocess.Popen(
        (sys.executable, "-c", HOLD, path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockHeld, match=rf"pid {holder.pid}\b"):
            operator_lock(HostFs(), path, "/etc/hal0", 1)
        holder.kill()
        holder.wait()
        operator_lock(HostFs(), path, "/etc/hal0", 1).release()


def test_a_home_without_a_writer_is_read_without_a_lock(tmp_path: Path) -> None:
    assert read_lock(HostFs(), str(tmp_path)) is None
    assert list(tmp_path.iterdir()) == []


def test_readers_share_and_a_writer_excludes_them(tmp_path: Path) -> None:
    fs, root = HostFs(), str(tmp_path)
    write_lock(fs, root).release()
    first, second = read_lock(fs, root), read_lock(fs, root)
    with pytest.raises(LockHeld, match="try again"):
        write_lock(fs, root)
    first.release()
    second.release()
    writer = write_lock(fs, root)
    with pytest.raises(LockHeld, match="change set"):
        read_lock(fs, root)
    writer.release()
    writer.release()
    read_lock(fs, root).release()


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / ".hal0").mkdir()
    (tmp_path / ".hal0" / "lock").symlink_to("/etc/passwd")
    with pytest.raises(OSError):
        write_lock(HostFs(), str(tmp_path))


def test_no_lock_is_made_where_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "home" / ".hal0").symlink_to("../elsewhere")
    with pytest.raises(OSError, match="not a folder of its own"):
        write_lock(HostFs(), str(tmp_path / "home"))
    assert list((tmp_path / "elsewhere").iterdir()) == []
