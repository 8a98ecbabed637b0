"""Files: read, look, replace atomically, and lock."""

from typing import NamedTuple, Protocol


class Stat(NamedTuple):
    """What identifies a file's content without reading it; times in nanoseconds."""

    dev: int
    ino: int
    size: int
    mtime_ns: int
    ctime_ns: int
    kind: str
    """``file``, ``dir``, ``link`` or ``other``; of the name itself, links not followed."""


class FileLock(Protocol):
    """A held lock.  The kernel releases it when the process ends, however it ends."""

    def write(self, data: bytes) -> None:
        """Replace the lock file's text, which is for people only: the lock decides, never the text."""

    def release(self) -> None:
        """Repeating it is harmless."""


class Fs(Protocol):
    """Raises OSError; paths are absolute."""

    def stat(self, path: str) -> Stat | None:
        """None when there is nothing."""

    def scan(self, folder: str) -> list[tuple[str, Stat]]:
        """Every entry of a folder by name, with its stat, unsorted."""

    def read(self, path: str, limit: int, below: str = "") -> bytes:
        """At most ``limit`` + 1 bytes of a regular file; that it is a link is an error.

        So it is for every name after ``below``, a folder that ``path`` lies in: whatever was looked at
        before may have become a link since.
        """

    def readlink(self, path: str) -> str: ...

    def write_atomic(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """Stage beside, fsync, rename, fsync the folder: all-old or all-new after any crash."""

    def remove(self, path: str) -> None:
        """Absent is success."""

    def lock(self, path: str, exclusive: bool) -> FileLock | None:
        """Take a lock on a file without waiting; None when another holds it.

        An exclusive one makes the file, and the folder that it stands in, when missing; a shared
        one only opens, so that readers write nothing.
        """
