"""Files: read, look, create, exchange, replace atomically, and lock."""

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
    """Raises OSError; paths are absolute.

    Where a call takes ``below``, a folder that its paths lie in, no link is followed after it: whatever
    was looked at before may have become a link since.  A rename is one step for everybody who looks.
    """

    def stat(self, path: str) -> Stat | None:
        """None when there is nothing."""

    def scan(self, folder: str) -> list[tuple[str, Stat]]:
        """Every entry of a folder by name, with its stat, unsorted."""

    def read(self, path: str, limit: int, below: str = "") -> bytes:
        """At most ``limit`` + 1 bytes of a regular file; that it is a link is an error."""

    def readlink(self, path: str) -> str: ...

    def write_atomic(self, path: str, data: bytes, mode: int = 0o644, below: str = "") -> None:
        """Stage beside, fsync, rename, fsync the folder: all-old or all-new after any crash."""

    def create(self, path: str, data: bytes, like: str = "", below: str = "") -> None:
        """A new file, its content durable, its name not yet.  Raises FileExistsError.

        Mode, and as root the owner, are those of the file ``like``, else 0644 and one's own.
        A failure leaves no file.
        """

    def exchange(self, path: str, other: str, below: str = "") -> None:
        """Let two files change places, so that neither is ever absent.

        Raises OSError ``ENOTSUP`` where the kernel or the file system cannot, ``EXDEV`` between two of them,
        and FileNotFoundError.
        """

    def move_new(self, path: str, new: str, below: str = "") -> None:
        """Rename to a name that is free.  Raises FileExistsError, else as ``exchange``."""

    def rename(self, path: str, new: str, below: str = "") -> None:
        """Rename over whatever file is there."""

    def may_write(self, folder: str, below: str = "") -> bool:
        """Whether names in the folder may be changed, by one's rights and where it is mounted."""

    def make_folder(self, path: str, below: str = "") -> None:
        """That it is there already is success; raises FileExistsError for what is no folder."""

    def sync_folder(self, path: str, below: str = "") -> None:
        """Make the folder's names durable: what was created, renamed and removed in it."""

    def remove(self, path: str, below: str = "") -> None:
        """Remove a file or a link; absent is success."""

    def remove_folder(self, path: str, below: str = "") -> None:
        """Remove an empty folder; absent is success."""

    def lock(self, path: str, exclusive: bool) -> FileLock | None:
        """Take a lock on a file without waiting; None when another holds it.

        An exclusive one makes the file, and the folder that it stands in, when missing; a shared
        one only opens, so that readers write nothing.
        """
