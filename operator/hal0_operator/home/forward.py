"""Rolling a committed change set forward: every step may be repeated, and a person's later save is kept."""

import contextlib
import errno
import posixpath

from hal0_operator.desired.names import SLOTS_FOLDER
from hal0_operator.home.journal import (
    Entry,
    Journal,
    Standing,
    Waiting,
    digest_at,
    is_inside,
    standing,
    waiting,
)
from hal0_operator.home.links import Astray, Found, follow
from hal0_operator.home.state import JOURNAL, STAGE, STATE
from hal0_operator.seams.fs import Fs

_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


def roll_forward(fs: Fs, root: str, journal: Journal, untouched: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Put the new contents in place and end the journal; the files whose later save by a person was kept.

    ``untouched``: files to be left alone, and counted among those.  Raises OSError; the journal stands then,
    and the next try goes on.
    """
    stage = fs.stat(f"{root}/{STAGE}")
    if stage is None or stage.kind != "dir":  # lost in a power cut; a removal still needs it
        clear_stage(fs, root)
        fs.make_folder(f"{root}/{STAGE}", below=root)
    if journal.slots_made:
        with contextlib.suppress(FileExistsError):
            fs.make_folder(f"{root}/{SLOTS_FOLDER}", below=root)
        fs.sync_folder(root, below=root)  # before anything that is staged goes into it
    kept = {entry.file for entry in journal.entries if entry.file in untouched or not _put(fs, root, entry)}
    _sync(fs, root, journal)
    late = {entry.file for entry in journal.entries if not _let_go(fs, root, entry)}
    if late:
        _sync(fs, root, journal)
    fs.remove(f"{root}/{JOURNAL}", below=root)
    # All is done.  A journal that a power cut brings back finds every file new, or a later save.
    with contextlib.suppress(OSError):
        fs.sync_folder(f"{root}/{STATE}", below=root)
    clear_stage(fs, root)
    return tuple(sorted(kept | late))


def left_alone(fs: Fs, root: str, home: str, journal: Journal) -> frozenset[str] | None:
    """Files of a journal that another writer left and that are no longer its business; None when it is void.

    Those are files whose name leads elsewhere by now, and files that had been new and were put back.  Void
    is a journal when the content for a file that is still the old one is lost: nothing is put in place then.
    """
    files = set()
    for entry in journal.entries:
        if place_of(fs, root, home, entry.file) != entry.path:
            files.add(entry.file)
        elif standing(entry, digest_at(fs, root, entry.path)) is Standing.OLD:
            there, _ = waiting(fs, root, entry)
            if there is Waiting.LOST:
                return None
            if there is Waiting.RESTORED:
                files.add(entry.file)
    return frozenset(files)


def clear_stage(fs: Fs, root: str) -> None:
    """Remove what lies in the stage, and the stage.  What cannot be removed is in nobody's way."""
    stage = f"{root}/{STAGE}"
    with contextlib.suppress(OSError):
        found = fs.stat(stage)
        if found is not None and found.kind != "dir":
            fs.remove(stage, below=root)
        elif found is not None:
            for name, _ in fs.scan(stage):
                with contextlib.suppress(OSError):
                    fs.remove(f"{stage}/{name}", below=root)
            fs.remove_folder(stage, below=root)


def place_of(fs: Fs, root: str, home: str, file: str) -> str | Astray:
    """Where a file of a home stands or would stand, relative to ``root``, with every link followed.

    A file that is not there stands in its folder, ``slots`` also where that is missing altogether.
    Raises OSError.
    """
    found = follow(fs, root, file, home)
    if isinstance(found, Found):
        return _inside(root, found.path)
    if found is Astray.LEAVES:
        return found
    folder, _, name = file.rpartition("/")
    parent = follow(fs, root, folder, home)
    if isinstance(parent, Found) and parent.stat.kind == "dir":
        path = f"{parent.path}/{name}"
        there = fs.stat(path)  # a link without a target, or a file that was saved just now
        return Astray.DANGLES if there is not None and there.kind == "link" else _inside(root, path)
    if parent is Astray.DANGLES and fs.stat(f"{root}/{folder}") is None:
        return file
    return Astray.DANGLES if isinstance(parent, Found) else parent


def _inside(root: str, path: str) -> str | Astray:
    relative = path.removeprefix(root).strip("/")
    return relative if is_inside(relative) else Astray.LEAVES


def _stage(root: str, entry: Entry) -> str:
    return f"{root}/{STAGE}/{entry.stage}"


def _sync(fs: Fs, root: str, journal: Journal) -> None:
    folders = {posixpath.dirname(f"{root}/{entry.path}") for entry in journal.entries} | {f"{root}/{STAGE}"}
    for folder in sorted(folders):
        try:
            fs.sync_folder(folder, below=root)
        except OSError as error:
            if error.errno not in _GONE:  # moved away by a person: what happens in it is no longer the home's
                raise


def _put(fs: Fs, root: str, entry: Entry) -> bool:
    """Whether the file is what the change set has; False where a person's later save stands."""
    now = standing(entry, digest_at(fs, root, entry.path))
    if now is not Standing.OLD:
        return now is Standing.NEW
    try:
        return _renamed(fs, root, entry)
    except FileNotFoundError:  # deleted just now, or its folder
        return entry.new is None
    except FileExistsError:
        return digest_at(fs, root, entry.path) == entry.new


def _renamed(fs: Fs, root: str, entry: Entry) -> bool:
    try:
        if entry.new is None:
            return _take_out(fs, root, entry)
        if entry.old is None:
            _move_new(fs, root, _stage(root, entry), f"{root}/{entry.path}")
            return True
        return _exchange(fs, root, entry, entry.new, entry.old)
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.EXDEV):
            raise
        return _replace(fs, root, entry, near=error.errno != errno.EXDEV)


def _exchange(fs: Fs, root: str, entry: Entry, put: str, expected: str) -> bool:
    """Put the staged content ``put`` in place of ``expected``; whether it stands there in the end.

    What comes out and is not what was looked for was saved meanwhile, is newer than what went in, and
    goes back in; and so on, since the like may happen again.
    """
    first = put
    while True:
        fs.exchange(f"{root}/{entry.path}", _stage(root, entry), below=root)
        came_out = digest_at(fs, root, f"{STAGE}/{entry.stage}") or ""
        if came_out == expected:
            return put == first
        put, expected = came_out, put


def _take_out(fs: Fs, root: str, entry: Entry) -> bool:
    """Remove by renaming into the stage, so that a later save is seen, and put back.  Raises FileExistsError."""
    target, stage = f"{root}/{entry.path}", _stage(root, entry)
    fs.remove(stage, below=root)
    _move_new(fs, root, target, stage)
    if digest_at(fs, root, f"{STAGE}/{entry.stage}") == entry.old:
        return True
    _move_new(fs, root, stage, target)  # unless it was saved yet again: that save is the newest
    return False


def _move_new(fs: Fs, root: str, path: str, new: str) -> None:
    try:
        fs.move_new(path, new, below=root)
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        if fs.stat(new) is not None:
            raise FileExistsError(errno.EEXIST, "there is a file already", new) from None
        fs.rename(path, new, below=root)


def _replace(fs: Fs, root: str, entry: Entry, *, near: bool) -> bool:
    """Without an exchange: a look right before the rename.  ``near``: stage and file are on one file system."""
    target, source = f"{root}/{entry.path}", _stage(root, entry)
    if not near and entry.new is not None:
        folder, name = posixpath.split(target)
        source = f"{folder}/.{name}.stage"
        fs.remove(source, below=root)
        fs.create(source, waiting(fs, root, entry)[1], like=_stage(root, entry), below=root)
    if digest_at(fs, root, entry.path) != entry.old:
        if not near and entry.new is not None:
            fs.remove(source, below=root)
        return False
    if entry.new is None:
        fs.remove(target, below=root)
    else:
        fs.rename(source, target, below=root)
    return True


def _let_go(fs: Fs, root: str, entry: Entry) -> bool:
    """Unlink what was taken out, unless somebody who had it open has written into it: then it goes back.

    False when it went back.  A write that begins after this look is lost with the old file, as it is
    with every editor that saves by a rename.
    """
    left = digest_at(fs, root, f"{STAGE}/{entry.stage}")
    back = False
    if left not in (None, entry.old, entry.new) and digest_at(fs, root, entry.path) == entry.new:
        with contextlib.suppress(FileExistsError, FileNotFoundError):
            if entry.new is None:
                _move_new(fs, root, _stage(root, entry), f"{root}/{entry.path}")
                return False
            if left is not None:
                back = _went_back(fs, root, entry, left)
    with contextlib.suppress(IsADirectoryError):
        fs.remove(_stage(root, entry), below=root)
    return not back


def _went_back(fs: Fs, root: str, entry: Entry, left: str) -> bool:
    try:
        _exchange(fs, root, entry, left, entry.new or "")
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.EXDEV):
            raise
        return False
    return True
