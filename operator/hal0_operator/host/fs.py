"""The real file system: reads that follow no link, writes that are all-old or all-new."""

import contextlib
import errno
import fcntl
import os
import stat as modes
from collections.abc import Iterator

from hal0_operator.seams.fs import FileLock, Stat

_KINDS = {modes.S_IFREG: "file", modes.S_IFDIR: "dir", modes.S_IFLNK: "link"}


def as_stat(found: os.stat_result) -> Stat:
    kind = _KINDS.get(modes.S_IFMT(found.st_mode), "other")
    return Stat(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, kind)


@contextlib.contextmanager
def _folder_of(path: str, below: str) -> Iterator[tuple[str, int | None]]:
    """The file's name and its folder, reached name by name from ``below``, so that no link is followed."""
    if not below:
        yield path, None
        return
    *folders, name = path.removeprefix(below).strip("/").split("/")
    with contextlib.ExitStack() as opened:
        here = os.open(below, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        opened.callback(os.close, here)
        for folder in folders:
            here = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
            opened.callback(os.close, here)
        yield name, here


def read_regular(path: str, limit: int, below: str = "") -> bytes:
    """At most ``limit`` + 1 bytes of a regular file; after ``below`` no link is followed on the way to it.

    Raises OSError: ``ELOOP`` or ``ENOTDIR`` for a link, ``EINVAL`` for a folder, pipe, socket or device.
    Opening never blocks on a pipe without a writer.
    """
    with _folder_of(path, below) as (name, folder):
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


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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

    def write_atomic(self, path: str, data: bytes, mode: int = 0o644) -> None:
        folder, name = os.path.split(path)
        # One fixed name, so that a crash leaves at most one stray file, which the next write takes away.
        stage = os.path.join(folder, f".{name}.stage")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(stage)
        descriptor = os.open(stage, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        try:
            try:
                os.fchmod(descriptor, mode)
                _write_all(descriptor, data)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.rename(stage, path)
        except OSError as failed:
            with contextlib.suppress(OSError):
                os.unlink(stage)
            failed.filename = path  # a failed write or sync does not say of what
            raise
        _sync_folder(folder)

    def remove(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)

    def lock(self, path: str, exclusive: bool) -> FileLock | None:
        flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        if exclusive:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            flags |= os.O_RDWR | os.O_CREAT
        descriptor = os.open(path, flags, 0o644)
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
