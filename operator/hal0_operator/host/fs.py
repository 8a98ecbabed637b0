"""The real file system: reads that follow no link, writes that are all-old or all-new."""

import contextlib
import errno
import fcntl
import os
import stat as modes
from collections.abc import Iterator

from hal0_operator.host.below import folder_of
from hal0_operator.host.rename import EXCHANGE, NOREPLACE, rename_with
from hal0_operator.seams.fs import FileLock, Stat

_KINDS = {modes.S_IFREG: "file", modes.S_IFDIR: "dir", modes.S_IFLNK: "link"}


def as_stat(found: os.stat_result) -> Stat:
    kind = _KINDS.get(modes.S_IFMT(found.st_mode), "other")
    return Stat(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, kind)


def read_regular(path: str, limit: int, below: str = "") -> bytes:
    """At most ``limit`` + 1 bytes of a regular file; after ``below`` no link is followed on the way to it.

    Raises OSError: ``ELOOP`` or ``ENOTDIR`` for a link, ``EINVAL`` for a folder, pipe, socket or device.
    Opening never blocks on a pipe without a writer.
    """
    with folder_of(path, below) as (name, folder):
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        _demand_regular(descriptor, path)
        chunks: list[bytes] = []
        wanted = limit + 1
        while wanted > 0 and (chunk := os.read(descriptor, wanted)):
            chunks.append(chunk)
            wanted -= len(chunk)
        return b"".join(chunks)
    finally:
        os.close(descriptor)


def _demand_regular(descriptor: int, path: str) -> None:
    if not modes.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(errno.EINVAL, "not a regular file", path)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _like(path: str, below: str) -> os.stat_result | None:
    with contextlib.suppress(FileNotFoundError), folder_of(path, below) as (name, folder):
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    return None


def _create(name: str, folder: int | None, data: bytes, mode: int, owner: tuple[int, int] | None = None) -> None:
    """A new file whose content is durable, or none."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, mode, dir_fd=folder)
    try:
        try:
            if owner is not None:
                os.fchown(descriptor, *owner)
            os.fchmod(descriptor, mode)
            _write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=folder)
        raise


@contextlib.contextmanager
def _naming(path: str) -> Iterator[None]:
    """A failed write or sync does not say of what, and a name below a folder not where."""
    try:
        yield
    except OSError as failed:
        failed.filename = path
        raise


class HeldLock:
    """An flock on an open file; ``seams.fs.FileLock``."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, data: bytes) -> None:
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        _write_all(self._descriptor, data)

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class HostFs:
    """``seams.fs.Fs`` on the machine's file system."""

    def stat(self, path: str) -> Stat | None:
        try:
            return as_stat(os.lstat(path))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def scan(self, folder: str) -> list[tuple[str, Stat]]:
        found: list[tuple[str, Stat]] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    found.append((entry.name, as_stat(entry.stat(follow_symlinks=False))))
                except FileNotFoundError:  # it vanished between its name and its stat
                    continue
        return found

    def read(self, path: str, limit: int, below: str = "") -> bytes:
        return read_regular(path, limit, below)

    def readlink(self, path: str) -> str:
        return os.readlink(path)

    def write_atomic(self, path: str, data: bytes, mode: int = 0o644, below: str = "") -> None:
        with _naming(path), folder_of(path, below) as (name, folder):
            # One fixed name, so that a crash leaves at most one stray file, which the next write takes away.
            stage = os.path.join(os.path.dirname(name), f".{os.path.basename(name)}.stage")
            with contextlib.suppress(FileNotFoundError):
                os.unlink(stage, dir_fd=folder)
            _create(stage, folder, data, mode)
            try:
                os.rename(stage, name, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(stage, dir_fd=folder)
                raise
        self.sync_folder(os.path.dirname(path), below)

    def create(self, path: str, data: bytes, like: str = "", below: str = "") -> None:
        found = _like(like, below) if like else None
        mode = modes.S_IMODE(found.st_mode) & 0o777 if found else 0o644
        owner = (found.st_uid, found.st_gid) if found and os.geteuid() == 0 else None
        with _naming(path), folder_of(path, below) as (name, folder):
            _create(name, folder, data, mode, owner)

    def exchange(self, path: str, other: str, below: str = "") -> None:
        rename_with(EXCHANGE, path, other, below)

    def move_new(self, path: str, new: str, below: str = "") -> None:
        rename_with(NOREPLACE, path, new, below)

    def rename(self, path: str, new: str, below: str = "") -> None:
        with _naming(new), folder_of(path, below) as (name, folder), folder_of(new, below) as (other, target):
            os.rename(name, other, src_dir_fd=folder, dst_dir_fd=target)

    def may_write(self, path: str, below: str = "") -> bool:
        inside = "" if path.rstrip("/") == below.rstrip("/") else below
        with folder_of(path, inside) as (name, above):
            found = os.stat(name, dir_fd=above, follow_symlinks=not inside).st_mode
            if not (modes.S_ISDIR(found) or modes.S_ISREG(found)):
                return False
            wanted = os.W_OK | os.X_OK if modes.S_ISDIR(found) else os.W_OK
            return os.access(name, wanted, dir_fd=above, effective_ids=True)

    def make_folder(self, path: str, below: str = "") -> None:
        with _naming(path), folder_of(path, below) as (name, folder):
            try:
                os.mkdir(name, dir_fd=folder)
            except FileExistsError:
                if not modes.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                    raise

    def sync_folder(self, path: str, below: str = "") -> None:
        # the folder that nothing is followed after may itself be reached through links
        inside = "" if path.rstrip("/") == below.rstrip("/") else below
        with _naming(path), folder_of(path, inside) as (name, folder):
            kept = os.O_NOFOLLOW if inside else 0
            descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | kept, dir_fd=folder)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def remove(self, path: str, below: str = "") -> None:
        with contextlib.suppress(FileNotFoundError), folder_of(path, below) as (name, folder):
            os.unlink(name, dir_fd=folder)

    def remove_folder(self, path: str, below: str = "") -> None:
        with contextlib.suppress(FileNotFoundError), folder_of(path, below) as (name, folder):
            os.rmdir(name, dir_fd=folder)

    def lock(self, path: str, exclusive: bool) -> FileLock | None:
        flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        if exclusive:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            flags |= os.O_RDWR | os.O_CREAT
        descriptor = os.open(path, flags, 0o600)  # whoever may read it may hold it against everybody
        try:
            _demand_regular(descriptor, path)
            fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError:
            os.close(descriptor)
            raise
        return HeldLock(descriptor)
