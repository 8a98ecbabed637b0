"""What is written at once, or not at all."""

import msgspec


class FileChange(msgspec.Struct, frozen=True):
    """One file's whole content before and after; ``None`` where there is no file.

    ``file`` is relative to the home: ``slots/chat.toml``.
    """

    file: str
    old: bytes | None
    new: bytes | None


class ChangeSet(msgspec.Struct, frozen=True):
    """Changes of different files, each from what was read to what is meant.

    ``by`` is who asked and ``why`` what for; both are for people.
    """

    changes: tuple[FileChange, ...]
    by: str = ""
    why: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(change.file for change in self.changes)
