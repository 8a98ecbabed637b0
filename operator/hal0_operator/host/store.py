"""The model store: which model files there are, remembered per folder until the folder changes."""

import os
import stat as modes
from collections.abc import Iterator
from typing import NamedTuple

from hal0_operator.host.clock import wall_ns

MODEL_SUFFIX = ".gguf"
MAX_DEPTH = 8
MAX_FOLDERS = 5_000
"""Bounds of one walk: a store is some dozen folders, deeper or wider is something else mounted there."""
YOUNG_NS = 50_000_000
"""A folder changed this recently may change again within one tick of the file system's clock."""


class Folder(NamedTuple):
    """What one folder held: model files and folders, by path."""

    identity: tuple[int, int, int]
    files: tuple[str, ...]
    folders: tuple[str, ...]


class Store:
    """Walks below a root.  Links are followed: registries and download caches are made of them."""

    def __init__(self) -> None:
        self._folders: dict[str, Folder] = {}

    def files(self, root: str) -> Iterator[str]:
        """Every model file below ``root``, breadth first; nothing when there is no such folder."""
        seen: set[tuple[int, int]] = set()
        level = [root]
        for _ in range(MAX_DEPTH):
            below: list[str] = []
            for path in level:
                folder = self._folder(path)
                if folder is None or folder.identity[:2] in seen:
                    continue
                if len(seen) >= MAX_FOLDERS:
                    return
                seen.add(folder.identity[:2])
                yield from folder.files
                below += folder.folders
            level = below

    def _folder(self, path: str) -> Folder | None:
        try:
            found = os.stat(path)
        except OSError:
            return None
        identity = (found.st_dev, found.st_ino, found.st_mtime_ns)
        known = self._folders.get(path)
        if known and known.identity == identity:
            return known
        folder = _read(path, identity)
        if folder and wall_ns() - found.st_mtime_ns > YOUNG_NS:
            self._folders[path] = folder
        else:
            self._folders.pop(path, None)
        return folder


def _read(path: str, identity: tuple[int, int, int]) -> Folder | None:
    files: list[str] = []
    folders: list[str] = []
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if not entry.name.isprintable():  # undecodable, too: no command line can name it
                    continue
                if entry.is_dir():
                    folders.append(entry.path)
                elif entry.name.lower().endswith(MODEL_SUFFIX):
                    files.append(entry.path)
    except OSError:
        return None
    return Folder(identity, tuple(sorted(files)), tuple(sorted(folders)))


def size_of(path: str) -> int | None:
    """Bytes of a regular file, links followed; None when it is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_size if modes.S_ISREG(found.st_mode) else None
