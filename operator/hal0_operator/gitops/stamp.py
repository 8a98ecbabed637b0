"""How an export stands: tells one that was written whole from one that a hand, a disk or a backup has changed since."""

import hashlib
import os
from collections.abc import Iterable, Iterator

from hal0_operator.desired.names import SLOTS_FOLDER

Standing = tuple[bytes, int, int]
"""A file's path below the export, its size in bytes and when it was written, in nanoseconds."""


def stamp(files: Iterable[Standing]) -> str:
    """The same for the same files in any order."""
    found = hashlib.sha256()
    for name, size, mtime_ns in sorted(files):
        found.update(b"%b\0%d\0%d\0" % (name, size, mtime_ns))
    return found.hexdigest()


def standing(folder: str) -> Iterator[Standing]:
    """What is there now.  Raises OSError."""
    root, slots = os.fsencode(folder), SLOTS_FOLDER.encode()
    yield from _files(root, b"", but=slots)
    if os.path.lexists(root + b"/" + slots):
        yield from _files(root + b"/" + slots, slots + b"/")


def _files(folder: bytes, before: bytes, but: bytes = b"") -> Iterator[Standing]:
    with os.scandir(folder) as found:
        for entry in found:
            if entry.name != but:
                stat = entry.stat(follow_symlinks=False)
                yield before + entry.name, stat.st_size, stat.st_mtime_ns
