"""A change set on disk, beside the bare calls that no way of committing one can do without."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from hal0_operator.changes.change_set import ChangeSet, FileChange
from hal0_operator.home.commit import commit, writing
from hal0_operator.host.fs import HostFs
from hal0_operator.host.rename import EXCHANGE, renameat2
from tests.bench.table import Row, ratios

SLOT = b'device = "cpu"\nprofile = "bench"\nport = %d\n\n[model]\ndefault = "m.gguf"\ncontext_size = 4096\n'
HERE = -100


def commits(folder: Path, files: int, rounds: int) -> Iterator[Row]:
    """Both write the same number of files of the same size, one after the other in each round."""
    home = folder / "home"
    (home / "slots").mkdir(parents=True)
    names = [f"slots/s{number}.toml" for number in range(files)]
    for name in names:
        (home / name).write_bytes(SLOT % 1)
    fs, ours, theirs = HostFs(), [], []
    with writing(fs, str(home), time.sleep):
        pass
    for round in range(10, 10 + rounds):
        theirs.append(_timed(lambda: _bare(home, names, SLOT % round)))
        changes = tuple(FileChange(name, SLOT % round, SLOT % (round + rounds)) for name in names)
        ours.append(_timed(lambda: _committed(fs, home, ChangeSet(changes))))
    yield Row(f"a change set of {files} files", "ms", [took * 1000 for took in ours])
    yield Row(f"a change set of {files} files ÷ its bare fsyncs and renames", "×", ratios(ours, theirs), 1.5)


def _timed(work) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _committed(fs: HostFs, home: Path, change_set: ChangeSet) -> None:
    with writing(fs, str(home), time.sleep) as held:
        assert not commit(fs, held.root, change_set).overlaid


def _bare(home: Path, names: list[str], text: bytes) -> None:
    """Stage, journal, exchange, clear up, with every sync that `tests/home` shows to be needed, and no look at all."""
    stage, state = home / ".hal0/stage", home / ".hal0"
    stage.mkdir()
    for number, _ in enumerate(names):
        _put(stage / str(number), text)
    _sync(stage)
    _put(state / "new", b"x" * 300 * len(names))
    os.rename(state / "new", state / "journal")
    _sync(state)
    for number, name in enumerate(names):
        assert renameat2(HERE, os.fsencode(stage / str(number)), HERE, os.fsencode(home / name), EXCHANGE) == 0
    _sync(home / "slots")
    _sync(stage)
    for number, _ in enumerate(names):
        os.unlink(stage / str(number))
    os.unlink(state / "journal")
    _sync(state)
    stage.rmdir()


def _put(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    os.write(descriptor, data)
    os.fsync(descriptor)
    os.close(descriptor)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(descriptor)
    os.close(descriptor)
