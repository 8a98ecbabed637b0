"""Committing a change set: all of its files or none, whatever ends the writer, and no person's save is lost."""

import contextlib
import errno
import posixpath
from collections.abc import Callable, Iterator

import msgspec

from hal0_operator.changes.change_set import ChangeSet, FileChange
from hal0_operator.desired.names import SLOTS_FOLDER
from hal0_operator.home.forward import clear_stage, left_alone, place_of, roll_forward
from hal0_operator.home.journal import (
    NO_FILE,
    SCHEMA,
    Entry,
    Journal,
    content_digest,
    encode,
    is_counted,
    read_journal,
)
from hal0_operator.home.links import Astray, root_of
from hal0_operator.home.lock import LockHeld, write_lock
from hal0_operator.home.scan import FILE_LIMIT
from hal0_operator.home.state import IGNORE, JOURNAL, STAGE, STATE, UNCOMMITTED
from hal0_operator.seams.fs import FileLock, Fs

LEFT_BEHIND = frozenset(posixpath.basename(name) for name in (JOURNAL, UNCOMMITTED, STAGE))
LOCK_POLL_S = 0.05
PATIENCE_S = 5.0
"""Readers hold the lock for milliseconds, other writers for as long as their disk needs."""


class Committed(msgspec.Struct, frozen=True):
    """The change set is in force.  ``overlaid``: files whose newer save by a person was kept instead."""

    overlaid: tuple[str, ...] = ()


class Recovered(msgspec.Struct, frozen=True):
    """What an earlier writer had committed and not finished.  ``by`` and ``why`` are that writer's.

    ``void``: its staged contents were lost, so that nothing of it was put in place.
    """

    files: tuple[str, ...]
    overlaid: tuple[str, ...] = ()
    by: str = ""
    why: str = ""
    void: bool = False


class Writing(msgspec.Struct, frozen=True):
    """A home that is held for writing: its real folder, and what was done before anything else."""

    root: str
    recovered: Recovered | None = None


class Conflict(Exception):
    """Files are no longer what the change set was computed from; nothing was written."""

    def __init__(self, files: tuple[str, ...]) -> None:
        super().__init__(f"{', '.join(files)}: changed meanwhile; nothing was written: look again and repeat it")
        self.files = files


class Unwritten(Exception):
    """The old state stands; ``reason`` says why ``file`` could not be written."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}; nothing was written")
        self.file, self.reason = file, reason


class Unfinished(Exception):
    """Committed, not yet applied: readers see the change set, and the next writer puts it in place."""

    def __init__(self, files: tuple[str, ...], reason: str) -> None:
        super().__init__(f"{', '.join(files)}: committed, not yet applied ({reason}); the next writer tries again")
        self.files, self.reason = files, reason


@contextlib.contextmanager
def writing(fs: Fs, home: str, pause: Callable[[float], None], patience_s: float = PATIENCE_S) -> Iterator[Writing]:
    """Hold a home for writing, and finish or discard what an earlier writer left.

    ``pause`` waits for so many seconds, ``patience_s`` in all.  Raises ``LockHeld`` after that, ``Unwritten`` when the
    home cannot be written, ``Unfinished`` when an earlier change set still cannot be applied.
    """
    root, held = _held(fs, home, pause, round(patience_s / LOCK_POLL_S))
    try:
        try:
            if fs.stat(f"{root}/{IGNORE}") is None:
                fs.sync_folder(root, below=root)  # the folder of the journal must not vanish in a power cut
                fs.write_atomic(f"{root}/{IGNORE}", b"*\n", below=root)
        except OSError as error:
            raise Unwritten(IGNORE, _reason(error)) from error
        yield Writing(root, recover(fs, root, home))
    finally:
        held.release()


def _held(fs: Fs, home: str, pause: Callable[[float], None], tries: int) -> tuple[str, FileLock]:
    """The home's folder and its lock; a home that is a link may be turned while one waits."""
    for left in range(tries, -1, -1):
        try:
            root = _folder(fs, home)
            held = write_lock(fs, root)
            if _still(fs, home, root, held):
                return root, held
        except LockHeld:
            if not left:
                raise
        except OSError as error:
            raise Unwritten(home, _reason(error)) from error
        pause(LOCK_POLL_S)
    raise LockHeld(f"the home {home} does not stand still: try again")


def _still(fs: Fs, home: str, root: str, held: FileLock) -> bool:
    """Whether the lock is that of the home; else it is given back."""
    still = False
    try:
        still = _folder(fs, home) == root
    finally:
        if not still:
            held.release()
    return still


def _folder(fs: Fs, home: str) -> str:
    root = root_of(fs, home)
    if root is None:
        raise FileNotFoundError(errno.ENOENT, "there is no such home", home)
    return root.rstrip("/") or "/"


def recover(fs: Fs, root: str, home: str = "") -> Recovered | None:
    """Finish a committed change set, discard an uncommitted one; None when nothing was committed.

    Under the write lock; ``home`` is the path as configured.  Raises ``Unfinished`` or ``Unwritten``.
    """
    try:
        if not {name for name, _ in fs.scan(f"{root}/{STATE}")} & LEFT_BEHIND:
            return None
        journal = read_journal(fs, root)
    except OSError as error:
        raise Unwritten(JOURNAL, f"cannot be read: {_reason(error)}") from error
    if journal is None:
        discard(fs, root)
        return None
    files = tuple(entry.file for entry in journal.entries)
    try:
        # A process that was killed before this sync has left a journal that a power cut could still take.
        fs.sync_folder(f"{root}/{STATE}", below=root)
        untouched = left_alone(fs, root, home or root, journal)
        if untouched is None:
            fs.remove(f"{root}/{JOURNAL}", below=root)
        overlaid = () if untouched is None else roll_forward(fs, root, journal, untouched)
    except OSError as error:
        raise Unfinished(files, _reason(error)) from error
    discard(fs, root)
    return Recovered(files, overlaid, journal.by, journal.why, void=untouched is None)


def discard(fs: Fs, root: str) -> None:
    """Remove what was staged and not committed, and a journal that is none, as far as that is possible."""
    for name in (UNCOMMITTED, JOURNAL):
        with contextlib.suppress(OSError):
            fs.remove(f"{root}/{name}", below=root)
    clear_stage(fs, root)


def commit(fs: Fs, root: str, change_set: ChangeSet, home: str = "") -> Committed:
    """Write every file of the change set or none, inside of ``writing``.

    ``home`` is the path as configured.  Raises ``Conflict``, ``Unwritten`` or ``Unfinished``.
    """
    changes = [change for change in change_set.changes if change.old != change.new]
    if not changes:
        return Committed()
    try:
        journal = _journal(fs, root, home or root, change_set, changes)
    except OSError as error:
        raise Unwritten(SLOTS_FOLDER, _reason(error)) from error
    _promise(fs, root, journal, changes)
    try:
        return Committed(roll_forward(fs, root, journal))
    except OSError as error:
        raise Unfinished(tuple(change.file for change in changes), _reason(error)) from error


def _journal(fs: Fs, root: str, home: str, change_set: ChangeSet, changes: list[FileChange]) -> Journal:
    """What is to be promised, when every file still is what it was computed from."""
    paths: dict[str, str] = {}
    changed = []
    for change in changes:
        path = _place(fs, root, home, change)
        if path in paths.values() or change.file in paths:
            raise Unwritten(change.file, "is changed twice, under this name or another that leads to the same file")
        paths[change.file] = path
        if _content(fs, root, change.file, path) != change.old:
            changed.append(change.file)
    if changed:
        raise Conflict(tuple(changed))
    rows = [(change.file, paths[change.file], _digest(change.old), _digest(change.new)) for change in changes]
    # Of no two change sets: a journal that a power cut brings back must not find another one's contents.
    mark = content_digest(msgspec.json.encode(rows))[:16]
    entries = tuple(Entry(*row, stage=f"{mark}-{number}") for number, row in enumerate(rows))
    slots = any(path.startswith(f"{SLOTS_FOLDER}/") for path in paths.values())
    made = slots and fs.stat(f"{root}/{SLOTS_FOLDER}") is None
    return Journal(SCHEMA, entries, change_set.by, change_set.why, slots_made=made)


def _digest(data: bytes | None) -> str | None:
    return None if data is None else content_digest(data)


def _place(fs: Fs, root: str, home: str, change: FileChange) -> str:
    file = change.file
    if not is_counted(file):
        raise Unwritten(file, "is no file of a home")
    if len(change.new or b"") > FILE_LIMIT:
        raise Unwritten(file, f"would have more than the {FILE_LIMIT} bytes that a file of a home may have")
    try:
        found = place_of(fs, root, home, file)
    except OSError as error:
        raise Unwritten(file, _reason(error)) from error
    if found is Astray.LEAVES:
        raise Unwritten(file, "is a link that leaves the home: put a file of its own there")
    if found is Astray.DANGLES:
        raise Unwritten(file, "is a link that leads nowhere: remove it")
    assert isinstance(found, str)
    return found


def _content(fs: Fs, root: str, file: str, path: str) -> bytes | None:
    try:
        return fs.read(f"{root}/{path}", FILE_LIMIT, below=root)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return None
        reason = "is no regular file" if error.errno in NO_FILE else _reason(error)
        raise Unwritten(file, reason) from error


def _promise(fs: Fs, root: str, journal: Journal, changes: list[FileChange]) -> None:
    """Stage every new content, then the journal; the rename to its committed name is the commit.

    Raises ``Unwritten`` before it and ``Unfinished`` after it.
    """
    file = STAGE
    committed = False
    try:
        if fs.stat(f"{root}/{JOURNAL}") is not None:
            raise Unwritten(JOURNAL, "is there: an earlier change set waits, or what has its name must be removed")
        _demand_writable(fs, root, journal)
        fs.make_folder(f"{root}/{STAGE}", below=root)
        for change, entry in zip(changes, journal.entries, strict=True):
            file = change.file
            if change.new is not None:
                stage = f"{root}/{STAGE}/{entry.stage}"
                fs.create(stage, change.new, like=f"{root}/{entry.path}", below=root)
        file = JOURNAL
        fs.sync_folder(f"{root}/{STAGE}", below=root)
        fs.create(f"{root}/{UNCOMMITTED}", encode(journal), below=root)
        # A journal that outlives its stage in a power cut is void: that is the old state.
        fs.rename(f"{root}/{UNCOMMITTED}", f"{root}/{JOURNAL}", below=root)
        committed = True
        fs.sync_folder(f"{root}/{STATE}", below=root)
    except OSError as error:
        if committed:
            raise Unfinished(tuple(change.file for change in changes), _reason(error)) from error
        discard(fs, root)
        raise Unwritten(file, _reason(error)) from error


def _demand_writable(fs: Fs, root: str, journal: Journal) -> None:
    """What cannot be written is found before the commit, not after it."""
    folders = {posixpath.dirname(f"{root}/{entry.path}"): entry.file for entry in journal.entries}
    for folder, file in folders.items():
        if fs.stat(folder) is not None and not fs.may_write(folder, below=root):
            raise Unwritten(file, "its folder may not be written")
    for entry in journal.entries:
        if entry.old is not None and not _replaceable(fs, f"{root}/{entry.path}", root):
            raise Unwritten(entry.file, "it may not be written: it is read-only, or marked as not to be changed")


def _replaceable(fs: Fs, path: str, root: str) -> bool:
    """What a person deletes in this moment is seen later, as every save is."""
    try:
        return fs.may_write(path, below=root) or fs.stat(path) is None
    except FileNotFoundError:
        return True


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
