"""The journal of a change set: from its rename on, readers see the new contents wherever they still lie."""

import contextlib
import errno
import hashlib
import re
from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

import msgspec

from hal0_operator.desired.names import OVERLAY_FILE, PROFILES_FILE, SLOTS_FOLDER, slot_stem
from hal0_operator.desired.source import SourceFile
from hal0_operator.home.scan import FILE_LIMIT, Scan
from hal0_operator.home.state import JOURNAL, STAGE
from hal0_operator.seams.fs import Fs

SCHEMA = 1
JOURNAL_LIMIT = 16_777_216
"""Bytes: more than every file of the largest home in one change set needs."""
NO_FILE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.EISDIR, errno.ENXIO})
"""Errors of reading that mean: here is no regular file, whatever else there is."""
OTHER = "other"
"""In place of the digest of what is no regular file of a home."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_STAGE_NAME = re.compile(r"[0-9a-f]{16}-[0-9]{1,6}")
_TABOO = frozenset({"", ".", "..", ".git", ".hal0"})


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a change set.

    ``file`` is its name in the home (``slots/chat.toml``), ``path`` where it really stands, also relative to
    the home and without a link.  ``old`` and ``new`` are digests of contents, None for no file.  ``stage`` is
    the name below `.hal0/stage` under which first the new content lies, then the old one.
    """

    file: str
    path: str
    old: str | None
    new: str | None
    stage: str


class Journal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``slots_made``: the folder of slots comes with the change set."""

    schema: int
    entries: tuple[Entry, ...]
    by: str = ""
    why: str = ""
    slots_made: bool = False


class Standing(Enum):
    """What a file's content is, by its digest alone."""

    OLD = "as before the change set"
    NEW = "as the change set has it"
    THIRD = "a person's later save"


def content_digest(data: bytes) -> str:
    """SHA-256, 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def digest_at(fs: Fs, root: str, relative: str) -> str | None:
    """The digest of what stands there, None for nothing, ``OTHER`` for no readable content of a home's size.

    Raises OSError when the machine fails.
    """
    path = f"{root}/{relative}"
    try:
        data = fs.read(path, FILE_LIMIT, below=root)
    except PermissionError:  # a person's doing
        return OTHER
    except OSError as error:
        if error.errno not in NO_FILE:
            raise
        return None if error.errno == errno.ENOENT else OTHER
    return content_digest(data) if len(data) <= FILE_LIMIT else OTHER


def standing(entry: Entry, now: str | None) -> Standing:
    if now == entry.new:
        return Standing.NEW
    return Standing.OLD if now == entry.old else Standing.THIRD


class Waiting(Enum):
    """What lies at an entry's place in the stage, for a file that is still as before."""

    READY = "what the change set has for the file"
    RESTORED = "the old content: the file was new already, and a person put the old one back"
    LOST = "neither: what was promised is gone"


def waiting(fs: Fs, root: str, entry: Entry) -> tuple[Waiting, bytes]:
    """With the new content where it is ready; a removal needs none.  Raises OSError as ``read_journal``."""
    try:
        data = fs.read(f"{root}/{STAGE}/{entry.stage}", FILE_LIMIT, below=root)
    except OSError as error:
        if error.errno not in NO_FILE:
            raise
        return (Waiting.READY if entry.new is None else Waiting.LOST), b""
    found = content_digest(data)
    if found == entry.old:
        return Waiting.RESTORED, b""
    return (Waiting.READY if entry.new in (None, found) else Waiting.LOST), data


def encode(journal: Journal) -> bytes:
    return msgspec.json.encode(journal)


def decode(data: bytes) -> Journal | None:
    """None for what is damaged, of another schema, or wants to write what is no file of a home."""
    try:
        journal = msgspec.json.decode(data, type=Journal)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    entries = journal.entries
    if journal.schema != SCHEMA or not entries or not all(map(_sound, entries)):
        return None
    for names in ([each.file for each in entries], [each.path for each in entries], [each.stage for each in entries]):
        if len(set(names)) < len(names):
            return None
    return journal


def is_counted(file: str) -> bool:
    """Whether a change set may write a file of this name."""
    return file.isprintable() and (file in (PROFILES_FILE, OVERLAY_FILE) or slot_stem(file) is not None)


def is_inside(path: str) -> bool:
    """Whether a file may really stand there: below the home, and neither git's nor the writers' own."""
    return path.isprintable() and not any(part.lower() in _TABOO for part in path.split("/"))


def _sound(entry: Entry) -> bool:
    digests = [digest for digest in (entry.old, entry.new) if digest is not None]
    return (
        is_counted(entry.file)
        and is_inside(entry.path)
        and entry.old != entry.new
        and all(map(_DIGEST.fullmatch, digests))
        and _STAGE_NAME.fullmatch(entry.stage) is not None
    )


def read_journal(fs: Fs, root: str) -> Journal | None:
    """The committed journal of a home, None when there is none or none that counts.

    Raises OSError when the machine fails or one has no right to read it.
    """
    try:
        data = fs.read(f"{root}/{JOURNAL}", JOURNAL_LIMIT, below=root)
    except OSError as error:
        if error.errno not in NO_FILE:
            raise
        return None
    return decode(data) if len(data) <= JOURNAL_LIMIT else None


class Laid(NamedTuple):
    """A home as readers see it: files by name, whether it has its slots folder, whether a journal waits."""

    texts: Mapping[str, SourceFile]
    slots_folder: bool
    pending: bool = False


def laid_over(fs: Fs, found: Scan, texts: Mapping[str, SourceFile]) -> Laid:
    """What was read with a committed journal's contents over it.  Writes nothing.

    Raises OSError when the journal cannot be read although it is there.
    """
    plain = Laid(texts, found.slots_folder)
    if found.journal is None:
        return plain
    journal = None
    with contextlib.suppress(PermissionError):  # as good as a reader without rights to the lock
        journal = read_journal(fs, found.root)
    if journal is None:
        return plain
    slots = found.slots_folder or (journal.slots_made and SLOTS_FOLDER not in found.refused)
    shown = dict(texts)
    for entry, names in _in_question(found, texts, journal, slots=slots):
        try:
            found_there, data = waiting(fs, found.root, entry)
        except OSError as error:
            why = f"cannot be read where it waits in {STAGE}: {error.strerror or error}"
            shown.update({name: SourceFile(name, refused=why) for name in names})
            continue
        if found_there is Waiting.LOST:
            return plain._replace(pending=True)  # all of it is void
        if found_there is Waiting.READY:
            _lay(shown, names, None if entry.new is None else data)
    return Laid(shown, slots, pending=True)


def _lay(shown: dict[str, SourceFile], names: list[str], data: bytes | None) -> None:
    for name in names:
        if data is None:
            shown.pop(name, None)
        else:
            shown[name] = SourceFile(name, data)


def _in_question(
    found: Scan, texts: Mapping[str, SourceFile], journal: Journal, *, slots: bool
) -> list[tuple[Entry, list[str]]]:
    """Entries whose file is still the old one, with every name that leads to it."""
    base = found.root.rstrip("/")
    named: dict[str, list[str]] = {}
    for file in found.files:
        named.setdefault(found.path(file).removeprefix(base).strip("/"), []).append(file)
    asked = []
    for entry in journal.entries:
        names = named.get(entry.path, [])
        if not names and (entry.file in found.files or not (slots or slot_stem(entry.file) is None)):
            continue  # the name leads elsewhere by now, or its folder is gone
        text = texts[names[0]] if names else None
        if text is not None and text.refused:
            continue
        now = content_digest(text.data) if text is not None else None
        if standing(entry, now) is Standing.OLD:
            asked.append((entry, names or [entry.file]))
    return asked
