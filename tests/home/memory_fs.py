"""A file system in memory whose every change is a new stat, for readers that are told the time."""

import posixpath
from collections.abc import Callable
from itertools import count

from hal0_operator.seams.fs import FileLock, Stat


class Node:
    def __init__(self, kind: str, ino: int, data: bytes = b"", target: str = "") -> None:
        self.kind, self.ino, self.data, self.target = kind, ino, data, target
        self.tick = ino
        self.error: OSError | None = None


class Held:
    def __init__(self, free: Callable[[], None]) -> None:
        self._free = free

    def write(self, data: bytes) -> None: ...

    def release(self) -> None:
        self._free()


class MemoryFs:
    """Links in the middle of a path are not followed, as only whole names are linked in these tests."""

    def __init__(self) -> None:
        self._count = count(1)
        self.nodes: dict[str, Node] = {"/": Node("dir", 0)}
        self.reads: list[str] = []
        self.before_read: Callable[[str], None] | None = None
        self.writers: set[str] = set()
        self.readers: dict[str, int] = {}

    # ── what people and programs do ────────────────────────────────────────────────────────────

    def folder(self, path: str) -> None:
        while path not in self.nodes:
            self.nodes[path] = Node("dir", next(self._count))
            path = posixpath.dirname(path)

    def put(self, path: str, text: str | bytes = "enabled = true\n", *, kind: str = "file", target: str = "") -> None:
        """An atomic save: a new inode."""
        self.folder(posixpath.dirname(path))
        data = text.encode() if isinstance(text, str) else text
        self.nodes[path] = Node(kind, next(self._count), data, target)

    def link(self, path: str, target: str) -> None:
        self.put(path, "", kind="link", target=target)

    def overwrite(self, path: str, text: str) -> None:
        """The same inode."""
        self.nodes[path].data = text.encode()
        self.touch(path)

    def touch(self, path: str) -> None:
        self.nodes[path].tick = next(self._count)

    def move(self, old: str, new: str) -> None:
        for path in [p for p in self.nodes if p == old or p.startswith(old + "/")]:
            self.nodes[new + path[len(old) :]] = self.nodes.pop(path)

    def delete(self, path: str) -> None:
        for each in [p for p in self.nodes if p == path or p.startswith(path + "/")]:
            del self.nodes[each]

    # ── the seam ───────────────────────────────────────────────────────────────────────────────

    def stat(self, path: str) -> Stat | None:
        node = self.nodes.get(posixpath.normpath(path))
        return None if node is None else Stat(1, node.ino, len(node.data), node.tick, node.tick, node.kind)

    def scan(self, folder: str) -> list[tuple[str, Stat]]:
        node = self.nodes[folder]
        if node.error:
            raise node.error
        names = [path for path in self.nodes if posixpath.dirname(path) == folder and path != "/"]
        return [(posixpath.basename(path), self.stat(path)) for path in names]

    def read(self, path: str, limit: int, below: str = "") -> bytes:
        assert path.startswith(below)
        self.reads.append(path)
        if self.before_read:
            self.before_read(path)
        node = self.nodes.get(posixpath.normpath(path))
        if node is None:
            raise FileNotFoundError(2, "No such file or directory", path)
        if node.error:
            raise node.error
        assert node.kind == "file", f"{path} is a {node.kind} and must not be read"
        return node.data[: limit + 1]

    def readlink(self, path: str) -> str:
        return self.nodes[path].target

    def lock(self, path: str, exclusive: bool) -> FileLock | None:
        if path in self.writers or (exclusive and self.readers.get(path)):
            return None
        if exclusive:
            self.put(path, "")
            self.writers.add(path)
            return Held(lambda: self.writers.discard(path))
        self.readers[path] = self.readers.get(path, 0) + 1
        return Held(lambda: self.readers.update({path: self.readers[path] - 1}))
