"""``hal0ctl migrate``: the changes that bring a home of hal0 up to date, shown or written."""

import argparse
import difflib
import os
import sys
import time
from collections.abc import Iterator, Mapping

from hal0_operator.changes.change_set import ChangeSet, FileChange
from hal0_operator.cli import inputs
from hal0_operator.cli.options import Failed, Paths
from hal0_operator.cli.output import colourful, neutral, paint, write_line
from hal0_operator.desired.source import HomeFiles
from hal0_operator.home.commit import Conflict, Unfinished, Unwritten, commit, writing
from hal0_operator.home.git import at_work
from hal0_operator.home.identity import home_id
from hal0_operator.home.lock import LockHeld, operator_lock, operator_lock_path
from hal0_operator.home.read import read_once
from hal0_operator.migrate.hal0 import Migration, migrate
from hal0_operator.model.settings import Settings
from hal0_operator.runtimes.secrets import masked_row
from hal0_operator.seams.fs import Fs

COLOURS = {"+": "green", "-": "red", "@": "grey"}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--write", action="store_true", help="write the changes instead of showing them")


def run(args: argparse.Namespace, paths: Paths) -> int:
    """Show or write; 1 when something has to be done by hand."""
    settings = inputs.settings(paths)
    found = _write(paths, settings) if args.write else _plan(inputs.files(), paths, settings)[1]
    for line in found.refused:
        write_line(f"hal0ctl: {line}", sys.stderr)
    if not args.write and found.texts:
        write_line(f"hal0ctl migrate --write --home {paths.home} writes this", sys.stderr)
    elif not found.texts and not found.refused:
        write_line(f"{paths.home}: nothing to migrate")
    return 1 if found.refused else 0


def _plan(fs: Fs, paths: Paths, settings: Settings) -> tuple[Mapping[str, str], Migration]:
    """The home's texts, what they should become, and the difference on stdout."""
    texts, unreadable = _texts(_home(fs, paths))
    found = migrate(texts, inputs.seeds(), settings.model_store)
    for file in sorted(found.texts):
        sys.stdout.writelines(_difference(file, texts.get(file), found.texts[file]))
    return texts, Migration(found.texts, (*unreadable, *found.refused))


def _home(fs: Fs, paths: Paths) -> HomeFiles:
    if not os.path.isdir(paths.home):
        raise Failed(f"{paths.home}: there is no such home")
    files = read_once(fs, paths.home)
    if files.busy:
        raise Failed(f"{paths.home}: {files.busy}: try again")
    return files


def _texts(files: HomeFiles) -> tuple[dict[str, str], tuple[str, ...]]:
    texts, unreadable = {}, []
    for file, source in files.files.items():
        try:
            text = source.data.decode()
        except UnicodeDecodeError:
            unreadable.append(f"{file}: is not UTF-8 and was left alone")
            continue
        if not source.refused:
            texts[file] = text
    return texts, tuple(unreadable)


def _difference(file: str, old: str | None, new: str) -> Iterator[str]:
    colour = colourful(sys.stdout)
    before = "/dev/null" if old is None else f"a/{file}"
    rows = difflib.unified_diff((old or "").splitlines(), new.splitlines(), before, f"b/{file}", lineterm="")
    for row in rows:
        yield paint(neutral(masked_row(row)), COLOURS.get(row[:1], ""), colour) + "\n"


def _write(paths: Paths, settings: Settings) -> Migration:
    """Under both locks: no operator may act on it, and no reader see half of it."""
    fs = inputs.files()
    try:
        path = operator_lock_path(paths.runtime_dir, home_id(paths.home, settings.home_id))
        operator = operator_lock(fs, path, paths.home, os.getpid())
        try:
            texts, found = _plan(fs, paths, settings)
            kept = _commit(fs, paths.home, texts, found.texts) if found.texts else ()
        finally:
            operator.release()
    except LockHeld as held:
        raise Failed(f"{held}; nothing was written") from None
    except (Conflict, Unwritten, Unfinished) as failed:
        raise Failed(f"{paths.home}: {failed}") from None
    saved = [f"{file}: was saved meanwhile; that save was kept: run it again" for file in kept]
    return Migration(found.texts, (*found.refused, *saved))


def _commit(fs: Fs, home: str, old: Mapping[str, str], new: Mapping[str, str]) -> tuple[str, ...]:
    """The files whose save by a person in just that moment was kept.  Raises what a commit raises."""
    changes = tuple(
        FileChange(file, old[file].encode() if file in old else None, text.encode()) for file, text in new.items()
    )
    with writing(fs, home, time.sleep) as held:
        moving = at_work(fs, held.root)
        if moving is not None:
            raise Failed(
                f"git is at work in the home ({moving.names}); nothing was written: try again when it has ended"
            )
        return commit(fs, held.root, ChangeSet(changes, "hal0ctl migrate", "bring the home up to date"), home).overlaid
