"""Files are created durably, change places, take free names only, and no link is followed out of a folder."""

import errno
import os
from pathlib import Path

import pytest

from hal0_operator.host import rename
from hal0_operator.host.fs import HostFs
from tests.support.syscalls import interposed

fs = HostFs()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "a").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("precious")
    (tmp_path / "root" / "link").symlink_to("../outside")
    return tmp_path / "root"


def test_a_created_file_has_the_mode_of_its_model_and_is_synced(root: Path) -> None:
    (root / "model").write_text("x")
    (root / "model").chmod(0o600)
    with interposed(lambda *_: None) as made:
        fs.create(f"{root}/a/new", b"content", like=f"{root}/model", below=str(root))
    assert made.index("fsync") > made.index("write")
    assert (root / "a/new").read_text() == "content" and (root / "a/new").stat().st_mode & 0o777 == 0o600
    fs.create(f"{root}/a/other", b"", like=f"{root}/nothing", below=str(root))
    assert (root / "a/other").stat().st_mode & 0o777 == 0o644
    with pytest.raises(FileExistsError):
        fs.create(f"{root}/a/new", b"again", below=str(root))
    assert (root / "a/new").read_text() == "content"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_root_gives_a_created_file_to_the_owner_of_its_model(root: Path) -> None:
    (root / "model").write_text("x")
    os.chown(root / "model", 1234, 2345)
    fs.create(f"{root}/new", b"content", like=f"{root}/model", below=str(root))
    found = (root / "new").stat()
    assert (found.st_uid, found.st_gid) == (1234, 2345)


def test_a_file_that_cannot_be_finished_is_not_left(root: Path) -> None:
    def full(number: int, name: str, args: tuple[object, ...]) -> None:
        if name == "fsync":
            raise OSError(errno.ENOSPC, "No space left on device")

    with interposed(full), pytest.raises(OSError, match="No space left") as raised:
        fs.create(f"{root}/a/new", b"content", below=str(root))
    assert raised.value.filename == f"{root}/a/new"
    assert list((root / "a").iterdir()) == []


def test_two_files_change_places(root: Path) -> None:
    (root / "a/one").write_text("1")
    (root / "two").write_text("2")
    before = (root / "a/one").stat().st_ino
    fs.exchange(f"{root}/a/one", f"{root}/two", below=str(root))
    assert ((root / "a/one").read_text(), (root / "two").read_text()) == ("2", "1")
    assert (root / "two").stat().st_ino == before
    with pytest.raises(FileNotFoundError):
        fs.exchange(f"{root}/a/one", f"{root}/nothing", below=str(root))


def test_a_move_to_a_new_name_never_replaces(root: Path) -> None:
    (root / "one").write_text("1")
    (root / "two").write_text("2")
    with pytest.raises(FileExistsError):
        fs.move_new(f"{root}/one", f"{root}/two", below=str(root))
    fs.move_new(f"{root}/one", f"{root}/a/one", below=str(root))
    assert (root / "a/one").read_text() == "1" and not (root / "one").exists()
    fs.rename(f"{root}/a/one", f"{root}/two", below=str(root))
    assert (root / "two").read_text() == "1"


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_that_knows_no_exchange_says_so(root: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setattr(rename, "renameat2", lambda *_: code)
    with pytest.raises(OSError) as raised:
        fs.exchange(f"{root}/a", f"{root}/b", below=str(root))
    assert raised.value.errno == errno.ENOTSUP


def test_a_c_library_without_the_call_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rename, "_libc", lambda: (None, lambda: 0))
    with pytest.raises(OSError) as raised:
        fs.move_new(f"{root}/a", f"{root}/b")
    assert raised.value.errno == errno.ENOTSUP


@pytest.mark.parametrize("path", ["link/file", "a/../../outside/file", "../outside/file", "link/../a/x"])
def test_no_link_and_no_step_back_leads_out_of_the_folder(root: Path, path: str) -> None:
    (root / "mine").write_text("mine")
    there, mine, below = f"{root}/{path}", f"{root}/mine", str(root)
    for attempt in (
        lambda: fs.create(there, b"x", below=below),
        lambda: fs.create(f"{there}-new", b"x", below=below),
        lambda: fs.exchange(mine, there, below=below),
        lambda: fs.exchange(there, mine, below=below),
        lambda: fs.move_new(mine, f"{there}-new", below=below),
        lambda: fs.rename(mine, there, below=below),
        lambda: fs.write_atomic(there, b"x", below=below),
        lambda: fs.make_folder(f"{there}-new", below=below),
        lambda: fs.sync_folder(os.path.dirname(there), below=below),
        lambda: fs.remove(there, below=below),
        lambda: fs.remove_folder(os.path.dirname(there), below=below),
    ):
        with pytest.raises(OSError):
            attempt()
    assert [entry.name for entry in (root.parent / "outside").iterdir()] == ["file"]
    assert (root.parent / "outside/file").read_text() == "precious" and (root / "mine").read_text() == "mine"


def test_folders_are_made_and_removed_again_and_again(root: Path) -> None:
    below = str(root)
    for _ in range(2):
        fs.make_folder(f"{root}/b", below=below)
    assert (root / "b").is_dir()
    fs.sync_folder(f"{root}/b", below=below)
    fs.sync_folder(below, below=below)
    assert fs.may_write(f"{root}/b", below=below) and fs.may_write(below, below=below)
    for _ in range(2):
        fs.remove_folder(f"{root}/b", below=below)
    assert not (root / "b").exists()
    (root / "b").write_text("a file")
    with pytest.raises(FileExistsError):
        fs.make_folder(f"{root}/b", below=below)


def test_whether_names_in_a_folder_may_be_changed_is_known_before(root: Path) -> None:
    assert not fs.may_write(f"{root}/link", below=str(root)), "a link is no folder"
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        assert not fs.may_write("/usr/bin", below="/usr") and not fs.may_write("/usr")
    finally:
        os.seteuid(user)
