"""A simulator of a file system that loses power: it keeps what is durable apart from what is only said to be.

A file's content is durable after its fsync.  A change of names (creating, renaming, removing) is durable
once every folder that it touches was synced after it; until then a power cut may keep it or lose it,
whatever became of the changes before it, but never half of it: a rename is one transaction.
"""

import errno
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hal0_operator.seams.fs import FileLock, Stat

LIMIT = 10
"""With more pending changes than that, their subsets are sampled."""


@dataclass
class Inode:
    """``data`` is what is read, ``durable`` what a power cut leaves of it."""

    kind: str = "file"
    data: bytes = b""
    durable: bytes = b""
    tick: int = 0


@dataclass
class Change:
    """One transaction: names in folders and what they then stand for (None: nothing)."""

    names: dict[tuple[int, str], int | None]
    synced: set[int] = field(default_factory=set)

    @property
    def durable(self) -> bool:
        return self.synced >= {folder for folder, _ in self.names}


class Held:
    def __init__(self, free: Callable[[], None]) -> None:
        self._free = free

    def write(self, data: bytes) -> None: ...

    def release(self) -> None:
        self._free()


Names = dict[tuple[int, str], int | None]
Tree = dict[str, bytes | None]
"""Every path with its content, None for a folder."""


class PowerFs:
    """``seams.fs.Fs`` without links; ``on_step`` is called wherever a machine might stop."""

    def __init__(self, tree: Tree) -> None:
        self.inodes: list[Inode] = [Inode("dir")]
        self.base: Names = {}
        self.changes: list[Change] = []
        self.names: Names = self.base.copy()
        self.on_step: Callable[[], None] = lambda: None
        self._locked: set[str] = set()
        for path in sorted(tree):
            self._plant(path, tree[path])

    def _plant(self, path: str, data: bytes | None) -> None:
        folder, name = self._split(path)
        self.inodes.append(Inode("dir") if data is None else Inode("file", data, data))
        self.base[folder, name] = self.names[folder, name] = len(self.inodes) - 1

    # ── what a power cut leaves ────────────────────────────────────────────────────────────────

    def tree(self) -> Tree:
        """What everybody sees now: what a killed process leaves."""
        return self._tree(self.names, lambda inode: inode.data)

    def after_a_power_cut(self) -> Iterator[Tree]:
        """Every tree that may be found, or a sample of them."""
        pending = [change for change in self.changes if not change.durable]
        for kept in _subsets(len(pending)):
            chosen = {id(change) for change, keep in zip(pending, kept, strict=True) if keep}
            names = self.base.copy()
            for change in self.changes:
                if change.durable or id(change) in chosen:
                    names.update(change.names)
            yield self._tree(names, lambda inode: inode.durable)
            if any(inode.data != inode.durable for inode in self.inodes):
                yield self._tree(names, lambda inode: inode.data)
                yield self._tree(names, lambda inode: inode.durable or inode.data[: len(inode.data) // 2])

    def _tree(self, names: Names, content: Callable[[Inode], bytes]) -> Tree:
        found: Tree = {}
        todo = [(0, "")]
        below: dict[int, list[tuple[str, int]]] = {}
        for (folder, name), number in names.items():
            if number is not None:
                below.setdefault(folder, []).append((name, number))
        while todo:
            folder, path = todo.pop()
            for name, number in below.get(folder, ()):
                inode = self.inodes[number]
                found[f"{path}/{name}"] = None if inode.kind == "dir" else content(inode)
                if inode.kind == "dir":
                    todo.append((number, f"{path}/{name}"))
        return found

    # ── inside ─────────────────────────────────────────────────────────────────────────────────

    def _number(self, path: str) -> int | None:
        number: int | None = 0
        for name in filter(None, path.split("/")):
            number = self.names.get((number, name)) if number is not None else None
        return number

    def _split(self, path: str) -> tuple[int, str]:
        folder, _, name = path.rpartition("/")
        number = self._number(folder)
        if number is None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        return number, name

    def _existing(self, path: str) -> int:
        number = self._number(path)
        if number is None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        return number

    def _change(self, names: Names) -> None:
        self.names.update(names)
        for _, number in names.items():
            if number is not None:
                self.inodes[number].tick += 1
        self.changes.append(Change(dict(names)))
        self.on_step()

    # ── the seam ───────────────────────────────────────────────────────────────────────────────

    def stat(self, path: str) -> Stat | None:
        number = self._number(path)
        if number is None:
            return None
        inode = self.inodes[number]
        return Stat(1, number, len(inode.data), inode.tick, inode.tick, inode.kind)

    def scan(self, folder: str) -> list[tuple[str, Stat]]:
        here = self._existing(folder)
        names = [name for (parent, name), number in self.names.items() if parent == here and number is not None]
        return [(name, found) for name in names if (found := self.stat(f"{folder}/{name}"))]

    def read(self, path: str, limit: int, below: str = "") -> bytes:
        inode = self.inodes[self._existing(path)]
        if inode.kind != "file":
            raise OSError(errno.EINVAL, "not a regular file", path)
        return inode.data[: limit + 1]

    def readlink(self, path: str) -> str:
        raise OSError(errno.EINVAL, "there are no links here", path)

    def write_atomic(self, path: str, data: bytes, mode: int = 0o644, below: str = "") -> None:
        self.remove(f"{path}.stage")
        self.create(f"{path}.stage", data)
        self.rename(f"{path}.stage", path)
        self.sync_folder(path.rpartition("/")[0])

    def create(self, path: str, data: bytes, like: str = "", below: str = "") -> None:
        place = self._split(path)
        if self.names.get(place) is not None:
            raise FileExistsError(errno.EEXIST, "File exists", path)
        inode = Inode()
        self.inodes.append(inode)
        self._change({place: len(self.inodes) - 1})
        for end in (len(data) // 2, len(data)):
            inode.data = data[:end]
            self.on_step()
        inode.durable = data
        self.on_step()

    def exchange(self, path: str, other: str, below: str = "") -> None:
        one, two = self._existing(path), self._existing(other)
        self._change({self._split(path): two, self._split(other): one})

    def move_new(self, path: str, new: str, below: str = "") -> None:
        if self._number(new) is not None:
            raise FileExistsError(errno.EEXIST, "File exists", new)
        self.rename(path, new)

    def rename(self, path: str, new: str, below: str = "") -> None:
        number = self._existing(path)
        self._change({self._split(path): None, self._split(new): number})

    def may_write(self, folder: str, below: str = "") -> bool:
        return True

    def make_folder(self, path: str, below: str = "") -> None:
        number = self._number(path)
        if number is None:
            self.inodes.append(Inode("dir"))
            self._change({self._split(path): len(self.inodes) - 1})
        elif self.inodes[number].kind != "dir":
            raise FileExistsError(errno.EEXIST, "File exists", path)

    def sync_folder(self, path: str, below: str = "") -> None:
        here = self._existing(path)
        for change in self.changes:
            if any(folder == here for folder, _ in change.names):
                change.synced.add(here)
        while self.changes and self.changes[0].durable:
            self.base.update(self.changes.pop(0).names)
        self.on_step()

    def remove(self, path: str, below: str = "") -> None:
        if (number := self._number(path)) is not None:
            if self.inodes[number].kind == "dir":
                raise IsADirectoryError(errno.EISDIR, "Is a directory", path)
            self._change({self._split(path): None})

    def remove_folder(self, path: str, below: str = "") -> None:
        if self._number(path) is not None:
            if self.scan(path):
                raise OSError(errno.ENOTEMPTY, "Directory not empty", path)
            self._change({self._split(path): None})

    def lock(self, path: str, exclusive: bool) -> FileLock | None:
        if exclusive:
            self.make_folder(path.rpartition("/")[0])
            if self._number(path) is None:
                self.inodes.append(Inode())
                self._change({self._split(path): len(self.inodes) - 1})
        if path in self._locked:
            return None
        if exclusive:
            self._locked.add(path)
        return Held(lambda: self._locked.discard(path))

    def killed(self) -> None:
        """The process that held locks is dead."""
        self._locked.clear()


def _subsets(count: int) -> Iterator[tuple[bool, ...]]:
    if count <= LIMIT:
        yield from itertools.product((False, True), repeat=count)
        return
    chance = random.Random(count)  # the same sample in every run
    yield (True,) * count
    yield (False,) * count
    for number in range(count):
        yield tuple(index <= number for index in range(count))
    for _ in range(2**LIMIT):
        yield tuple(chance.random() < 0.5 for _ in range(count))
