"""Reading objects of the clone by id, each checked against its id: what is damaged is noticed, never used."""

import hashlib
import os
import re
import select
import subprocess
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Self

from hal0_operator.gitops import process
from hal0_operator.gitops.command import Command, scrubbed, timed_out
from hal0_operator.seams.git import GitFault, Revision

BATCH = 48
"""Questions that are under way at once: they fit the smallest pipe, so that asking never waits for answering."""
CHUNK = 65_536
FILE, LINK, FOLDER, SUBMODULE = 0o100000, 0o120000, 0o040000, 0o160000
KIND = 0o170000


class Damaged(Exception):
    """An object is not there, or is not what its id says: the clone is to be made anew."""


class Entry(NamedTuple):
    """One name of a folder: ``mode`` as git writes it, ``name`` in bytes as committed."""

    mode: int
    name: bytes
    oid: str

    @property
    def kind(self) -> int:
        return self.mode & KIND


class Objects:
    """One ``cat-file`` over a clone; a context.  Calls raise ``Damaged`` and ``GitFault``."""

    def __init__(self, command: Command, git_dir: str) -> None:
        self._command = command
        self._child: subprocess.Popen[bytes] = command.reader(git_dir)
        self._until = 0.0
        self._buffer = bytearray()
        self._ready = select.poll()  # select itself cannot look at a descriptor above 1023
        assert self._child.stdout is not None
        self._ready.register(self._child.stdout, select.POLLIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        process.end(self._child)

    def sizes(self, oids: Sequence[str]) -> Iterator[tuple[str, int]]:
        """Type and bytes of each, in their order; ``("", 0)`` for one that is missing."""
        for some in _batches(oids):
            self._ask("".join(f"info {oid}\n" for oid in some))
            for oid in some:
                yield self._head(oid)

    def read(self, oid: str, kind: str) -> bytes:
        """The content.  How large it is was asked before, with ``sizes``."""
        return next(self.contents([oid], kind))

    def contents(self, oids: Sequence[str], kind: str) -> Iterator[bytes]:
        """The content of each, in their order, as ``read`` gives it."""
        for some in _batches(oids):
            self._ask("".join(f"contents {oid}\n" for oid in some))
            for oid in some:
                yield self._content(oid, kind)

    def _content(self, oid: str, kind: str) -> bytes:
        found, size = self._head(oid)
        if found != kind:
            raise Damaged(f"{oid} is missing" if not found else f"{oid} is a {found}, not a {kind}")
        data = self._take(size)
        self._take(1)
        if id_of(kind, data, len(oid)) != oid:
            raise Damaged(f"{oid} is damaged")
        return data

    def _ask(self, text: str) -> None:
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(text.encode())
            self._child.stdin.flush()
        except OSError as failed:
            raise Damaged("git ended while it was asked") from failed

    def _head(self, oid: str) -> tuple[str, int]:
        self._until = time.monotonic() + self._command.settings.timeout_s
        while (end := self._buffer.find(b"\n")) < 0:
            self._fill()
        line = self._buffer[:end].decode("ascii", "replace")
        del self._buffer[: end + 1]
        found = re.fullmatch(r"([0-9a-f]+) (blob|tree|commit|tag) ([0-9]+)", line)
        if found is None:
            if line == f"{oid} missing":
                return "", 0
            raise Damaged(f"git says {scrubbed(line, ())} of {oid}")
        return found[2], int(found[3])

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._fill()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _fill(self) -> None:
        assert self._child.stdout is not None
        if not self._ready.poll(max(self._until - time.monotonic(), 0) * 1000):
            raise GitFault("timeout", timed_out(self._command.settings))
        chunk = os.read(self._child.stdout.fileno(), CHUNK)
        if not chunk:
            raise Damaged("git ended in the middle of an object")
        self._buffer += chunk


def _batches(oids: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for first in range(0, len(oids), BATCH):
        yield tuple(oids[first : first + BATCH])


def id_of(kind: str, data: bytes, digits: int) -> str:
    """The id of an object, of so many hexadecimal digits."""
    # git's own ids; that sha1 is weak is git's matter, which refuses the known collisions
    digest = hashlib.sha256() if digits == 64 else hashlib.sha1(usedforsecurity=False)
    digest.update(f"{kind} {len(data)}\0".encode())
    digest.update(data)
    return digest.hexdigest()


_LISTED = {digits: re.compile(rb"([0-7]{1,12}) ([^\0]*)\0(.{%d})" % (digits // 2), re.DOTALL) for digits in (40, 64)}


def entries(tree: bytes, digits: int) -> tuple[Entry, ...]:
    """The names of a folder.  Raises ``Damaged`` for what is no listing."""
    found, at, listed = [], 0, _LISTED[digits]
    while at < len(tree):
        # one by one: a search over the whole would try a hostile listing from each of its bytes
        here = listed.match(tree, at)
        if here is None:
            raise Damaged("a folder's listing is damaged")
        mode, name, raw = here.groups()
        found.append(Entry(int(mode, 8), name, raw.hex()))
        at = here.end()
    return tuple(found)


_WHO = re.compile(rb"^(.*) (-?\d{1,12}) [+-]\d{4}$")


def tree_of(commit: bytes) -> str:
    """The id of a commit's root folder."""
    found = re.match(rb"tree ([0-9a-f]{40}(?:[0-9a-f]{24})?)\n", commit)
    if found is None:
        raise Damaged("the commit names no folder")
    return found[1].decode()


def revision_of(oid: str, commit: bytes) -> Revision:
    """What is told of a commit, each text one printable line."""
    head, _, body = commit.partition(b"\n\n")
    fields = dict(line.split(b" ", 1) for line in reversed(head.split(b"\n")) if b" " in line and line[:1] != b" ")
    author = _WHO.match(fields.get(b"author", b""))
    committer = _WHO.match(fields.get(b"committer", b""))
    subject = next((line for line in body.split(b"\n") if line.strip()), b"")
    return Revision(
        commit=oid,
        author=_text(author[1] if author else b""),
        committed_at=_when(int(committer[2]) if committer else 0),
        subject=_text(subject),
    )


def _text(data: bytes) -> str:
    return scrubbed(data.decode("utf-8", "replace"), ())


def _when(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return "1970-01-01T00:00:00Z"
