"""A home's files with what admission makes of them, and the same after edits."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
import tomli

from hal0_operator.admission.verdict import Context, Verdict
from hal0_operator.changes.edit import CannotEdit, Edit, edited
from hal0_operator.desired.source import HomeFiles, SourceFile
from hal0_operator.model.problem import ObjectKey
from hal0_operator.model.profile import Profile
from hal0_operator.model.snapshot import Admitted, Snapshot

Edits = Mapping[str, tuple[Edit, ...] | bytes | None]
"""By file: edits of its text, a whole new content, or ``None`` to delete it."""


class Judged(NamedTuple):
    """One state of the files, decoded and decided; ``last`` is the state in force that it was decided after."""

    files: HomeFiles
    snapshot: Snapshot
    verdict: Verdict
    last: Admitted
    context: Context

    @property
    def catalogue(self) -> Mapping[str, Profile]:
        return self.verdict.catalogue

    def held_back(self, key: ObjectKey) -> bool:
        """Whether an object's present version is not the one in force."""
        return key in self.verdict.denied or key in self.snapshot.broken

    def content(self, file: str) -> bytes | None:
        source = self.files.files.get(file)
        return source.data if source is not None else None

    def tree(self, file: str) -> dict[str, Any]:
        """The decoded text of a file that decodes; empty where there is none."""
        data = self.content(file)
        return tomli.loads(text_of(data)) if data is not None else {}


Judge = Callable[[HomeFiles, Admitted], Judged]
"""Decode and decide files after a state in force; pure but for what it remembers to save time.

Whether it is a cold start does not depend on the state that is passed: it is one for all calls or for none.
"""


def text_of(data: bytes) -> str:
    """A file's text without its byte order mark."""
    return data.decode().removeprefix("\ufeff")


def with_edits(files: HomeFiles, edits: Edits) -> HomeFiles:
    """The files after edits: the same object when nothing came of them, as are files that come out the same.

    Raises ``CannotEdit`` for a layout that cannot be edited safely; nothing is edited then.
    """
    after = dict(files.files)
    for file, edit in edits.items():
        before = files.files.get(file)
        data = edit
        if isinstance(edit, tuple):
            data = _edited(file, before.data if before is not None else b"", edit)
        if data is None:
            after.pop(file, None)
        elif isinstance(data, bytes) and (before is None or before.data != data):
            after[file] = SourceFile(file, data)
    if after == files.files:
        return files
    return msgspec.structs.replace(files, files=after)


def _edited(file: str, data: bytes, edits: tuple[Edit, ...]) -> bytes:
    try:
        return edited(data.decode(), edits).encode()
    except (UnicodeDecodeError, tomli.TOMLDecodeError) as bad:
        raise CannotEdit(f"{file} cannot be read as it is: {bad}") from bad
