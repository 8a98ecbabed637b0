"""What an export has in common with the one before it: one file with two names, not read, written or synced again."""

import os
import stat as modes
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Self

from hal0_operator.gitops.folders import FILE_MODE
from hal0_operator.gitops.objects import id_of
from hal0_operator.gitops.tree import Blob

_WRITTEN = modes.S_IFREG | FILE_MODE


class File(NamedTuple):
    """A file of an export: the object that it holds, and how it stood when that was certain."""

    oid: str
    mode: int
    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def at(cls, path: bytes, oid: str) -> Self:
        """A file as it is now.  Raises OSError."""
        found = os.lstat(path)
        return cls(oid, found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns)


class Reusable:
    """An export whose files the next one may take over; ``files`` by their names in it."""

    def __init__(self, folder: str = "", files: Mapping[bytes, File] | None = None) -> None:
        self._here = os.fsencode(folder) + b"/"
        self._files = files or {}

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes of what it holds, by object."""
        return {file.oid: file.size for file in self._files.values()}

    def link(self, blob: Blob, there: bytes) -> File | None:
        """Let its file be one below ``there`` too; None where it holds something else, or was changed by a hand."""
        file = self._files.get(blob.name)
        if file is None or file.oid != blob.oid:
            return None
        path = self._here + blob.name
        try:
            if File.at(path, file.oid) != file:
                return None
            os.link(path, there + blob.name, follow_symlinks=False)
        except OSError:  # it is gone, or the file system has no second names
            return None
        return file


def checked(folder: str, blobs: Iterable[Blob], limit: int) -> Reusable:
    """Of an export that another process wrote, what is as committed; each file of up to ``limit`` bytes is read."""
    here, files = os.fsencode(folder) + b"/", dict[bytes, File]()
    for blob in blobs:
        try:
            file = File.at(here + blob.name, blob.oid)
            if file.mode == _WRITTEN and id_of("blob", _read(here + blob.name, limit), len(blob.oid)) == blob.oid:
                files[blob.name] = file
        except OSError:  # then it is written anew
            continue
    return Reusable(folder, files)


def _read(path: bytes, limit: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(descriptor, limit + 1)
    finally:
        os.close(descriptor)
