"""Which files of a ``slots`` folder count, and how a file's name may be shown."""

import re

from hal0_operator.model.slot import NAME_PATTERN

PROFILES_FILE = "profiles.toml"
OVERLAY_FILE = "capabilities.toml"
SLOTS_FOLDER = "slots"

_BACKUP = re.compile(r"^\.|^#.*#$|^4913$|~$|\.(bak|tmp|orig|rej|sw[a-z]|part)$")
"""Locks, swap files and backups of the usual editors; 4913 is vim's probe for write access."""

_NAME = re.compile(NAME_PATTERN)


def is_backup(name: str) -> bool:
    """An editor's own file beside the one it edits; hidden files are never slots either."""
    return _BACKUP.search(name) is not None


def is_slot_file(name: str) -> bool:
    """Whether an entry of ``slots`` counts as a slot file, by its name alone.

    A name that counts need not be a good one: ``chat (copy).toml`` counts, and is a problem.
    """
    # No backup ends so but a hidden file: asked of every entry at every look, so it is not left to a pattern.
    return name.endswith(".toml") and not name.startswith(".")


def is_name(name: str) -> bool:
    """A name that a slot or a profile may have (``$`` alone would allow a final newline)."""
    return _NAME.match(name) is not None and name.isprintable()


def slot_stem(file: str) -> str | None:
    """``chat`` for ``slots/chat.toml``; None for what is no slot file of a home."""
    folder, _, name = file.partition("/")
    if folder != SLOTS_FOLDER or "/" in name or not is_slot_file(name):
        return None
    return name.removesuffix(".toml")


def shown(name: str, limit: int = 255) -> str:
    """A name without what a terminal or a JSON text cannot carry, and not endless.

    Control characters and undecodable bytes come out as escapes; other names are unchanged.
    """
    if len(name) > limit:
        return shown(name[:limit]) + "…"
    if name.isprintable():
        return name
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
