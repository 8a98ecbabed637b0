"""The clone is a cache: whatever is wrong with it, the next call makes it anew."""

import fcntl
import hashlib
import os
import random
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from hal0_operator.gitops.clone import LOCK
from hal0_operator.gitops.limits import PACKS
from hal0_operator.seams.git import GitFault
from tests.gitops.conftest import Opened
from tests.gitops.remotes import ENV, Remote, files


def clone_of(tmp_path: Path) -> Path:
    (clone,) = (tmp_path / "state/git").iterdir()
    return clone


def pack_of(clone: Path, suffix: str = ".pack") -> Path:
    return next(path for path in (clone / "objects/pack").iterdir() if path.name.endswith(suffix))


def overwrite(path: Path, data: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(data)


def truncate(path: Path) -> None:
    overwrite(path, path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for at in random.Random(7).sample(range(12, len(data)), 20):
        data[at] ^= 0x40
    overwrite(path, bytes(data))


def swap(clone: Path) -> None:
    """Every object outside of packs, sound to git, and one blob with the content of another: bit rot that no sum tells."""
    blob = b"port = 9000\n"
    for pack in sorted((clone / "objects/pack").glob("*.pack")):
        data = pack.read_bytes()
        pack.with_suffix(".idx").unlink()
        pack.unlink()
        subprocess.run(["git", "unpack-objects", "-q"], input=data, env=ENV | {"GIT_DIR": str(clone)}, check=True)
    oid = hashlib.sha1(b"blob %d\0" % len(blob) + blob).hexdigest()
    loose = clone / "objects" / oid[:2] / oid[2:]
    if loose.exists():
        overwrite(loose, zlib.compress(b"blob %d\0" % len(blob) + blob.replace(b"9", b"6")))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a lock of shallow": lambda clone: (clone / "shallow.lock").touch(),
    "a lock of a ref": lambda clone: (clone / "refs/hal0/fetched.lock").touch(),
    "a lock of packed refs": lambda clone: (clone / "packed-refs.lock").touch(),
    "a lock of the configuration": lambda clone: (clone / "config.lock").touch(),
    "half a pack on its way": lambda clone: (clone / "objects/pack/tmp_pack_x1").write_bytes(b"PACK"),
    "a truncated pack": lambda clone: truncate(pack_of(clone)),
    "an empty pack": lambda clone: overwrite(pack_of(clone), b""),
    "a pack with flipped bits": lambda clone: flip(pack_of(clone)),
    "an object with the content of another": swap,
    "a truncated index": lambda clone: truncate(pack_of(clone, ".idx")),
    "no pack": lambda clone: pack_of(clone).unlink(),
    "no index": lambda clone: pack_of(clone, ".idx").unlink(),
    "no refs": lambda clone: subprocess.run(["rm", "-r", clone / "refs"], check=True),
    "no HEAD": lambda clone: (clone / "HEAD").unlink(),
    "another HEAD": lambda clone: overwrite(clone / "HEAD", b"nonsense"),
    "a damaged ref": lambda clone: (clone / "refs/hal0/fetched").write_bytes(b"\0" * 41),
    "a damaged shallow file": lambda clone: (clone / "shallow").write_bytes(b"nonsense\n"),
    "names without contents, as a power cut leaves them": lambda clone: [
        overwrite(path, b"")
        for path in (clone / "shallow", clone / "refs/hal0/fetched", pack_of(clone), pack_of(clone, ".idx"))
    ],
    "a ref that is empty": lambda clone: overwrite(clone / "refs/hal0/fetched", b""),
    "a shallow file that is empty": lambda clone: overwrite(clone / "shallow", b""),
    "objects is a file": lambda clone: (
        subprocess.run(["rm", "-r", clone / "objects"], check=True),
        (clone / "objects").touch(),
    ),
    "foreign hooks": lambda clone: (clone / "hooks").mkdir(),
    "foreign alternates": lambda clone: (
        (clone / "objects/info").mkdir(),
        (clone / "objects/info/alternates").write_text("/nowhere\n"),
    ),
    "a foreign configuration": lambda clone: overwrite(clone / "config", b'[core]\n\tfsmonitor = "touch /evil"\n'),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_clone_is_made_anew(remote: Remote, opened: Opened, tmp_path: Path, damage: str) -> None:
    git = opened()
    git.export(git.tip())
    DAMAGES[damage](clone_of(tmp_path))
    remote.write("slots/new.toml", "port = 9000\n")
    commit = remote.push()
    assert git.fetch(commit).commit == commit
    assert "slots/new.toml" in files(git.export(commit))
    git.prune(0, frozenset())
    git.close()  # from here on it is one that starts
    DAMAGES[damage](clone_of(tmp_path))
    assert files(opened().export(commit))["slots/new.toml"] == b"port = 9000\n"
    left = [
        path.name for path in clone_of(tmp_path).rglob("*") if path.suffix == ".lock" or path.name.startswith("tmp_")
    ]
    assert left == [LOCK]


@pytest.mark.parametrize("what", ["file", "link", "foreign"])
def test_what_stands_in_the_clones_place_is_set_aside(
    remote: Remote, opened: Opened, tmp_path: Path, what: str
) -> None:
    git = opened()
    git.fetch(git.tip())
    git.close()
    path, elsewhere = clone_of(tmp_path), tmp_path / "elsewhere"
    subprocess.run(["rm", "-r", path], check=True)
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    if what == "file":
        path.touch()
    elif what == "link":
        path.symlink_to(elsewhere)
    else:
        remote.git("clone", "-q", "--bare", remote.url, str(path))
        os.chown(path, 1000 if os.geteuid() == 0 else -1, -1)
    assert git.export(git.tip())
    assert (elsewhere / "precious").exists()
    assert clone_of(tmp_path).name != path.name
    assert clone_of(tmp_path).is_dir()
    assert not clone_of(tmp_path).is_symlink()


def test_a_clone_of_another_address_goes(opened: Opened, remote: Remote, tmp_path: Path) -> None:
    for url in (remote.url, f"{remote.url}/"):
        git = opened(url=url)
        git.export(git.tip())
        assert len(os.listdir(tmp_path / "state/git")) == 1


def test_a_clone_that_an_earlier_operators_git_works_in_is_left_to_it(opened: Opened, tmp_path: Path) -> None:
    """A git that outlived its operator holds the lock of the folder that it writes to."""
    git = opened()
    commit = git.tip()
    git.fetch(commit)
    git.close()
    lock = os.open(clone_of(tmp_path) / LOCK, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = clone_of(tmp_path).stat().st_ino
        assert opened().export(commit)
        assert clone_of(tmp_path).stat().st_ino != before
    finally:
        os.close(lock)


def test_packs_do_not_pile_up(remote: Remote, opened: Opened, tmp_path: Path) -> None:
    git = opened()
    for number in range(3):
        remote.write("slots/s0.toml", f"port = {number + 1}\n")
        git.fetch(remote.push())
    packs = clone_of(tmp_path) / "objects/pack"
    assert len(list(packs.glob("*.pack"))) == 3
    for number in range(PACKS):
        (packs / f"pack-{number:040x}.pack").touch()
    commit = remote.push("Last")
    assert git.fetch(commit).commit == commit
    assert len(list((clone_of(tmp_path) / "objects/pack").glob("*.pack"))) == 1


def test_only_the_newest_commit_is_fetched_and_no_more_than_changed(
    remote: Remote, opened: Opened, tmp_path: Path
) -> None:
    remote.write("large", random.Random(1).randbytes(300_000))
    for number in range(5):
        remote.push(f"Number {number}")
    git = opened()
    git.fetch(git.tip())
    clone = clone_of(tmp_path)
    assert remote.git("rev-list", "--count", "refs/hal0/fetched", at=clone) == "1"
    remote.write("slots/s0.toml", "port = 9\n")
    git.fetch(remote.push())
    sizes = sorted(path.stat().st_size for path in (clone / "objects/pack").iterdir())
    assert sizes[-1] > 300_000
    assert sizes[-2] < 10_000


def test_a_state_folder_that_cannot_be_written_is_this_machines_fault(
    remote: Remote, opened: Opened, tmp_path: Path
) -> None:
    (tmp_path / "state").touch()
    with pytest.raises(GitFault, match="Not a directory|File exists") as fault:
        opened().fetch(remote.git("rev-parse", "HEAD"))
    assert fault.value.kind == "local"


def test_a_machine_without_git_is_told_to_install_it(opened: Opened) -> None:
    git = opened(environ={"PATH": "/nowhere"})
    for call in (git.tip, lambda: git.fetch("a" * 40)):
        with pytest.raises(GitFault, match="install git") as fault:
            call()
        assert fault.value.kind == "local"
