"""Homes and change sets that the tests of commits share, and what must hold after whatever ended a writer."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hal0_operator.changes.change_set import ChangeSet, FileChange
from hal0_operator.home.commit import Committed, commit, writing
from hal0_operator.home.read import read_once
from hal0_operator.seams.fs import Fs

State = dict[str, bytes]

OLD: State = {
    "slots/chat.toml": b"port = 8101 # old\n",
    "slots/code.toml": b"port = 8102 # old\n",
    "capabilities.toml": b"# old\n",
}
SCENARIOS: dict[str, dict[str, bytes | None]] = {
    "two changed": {"slots/chat.toml": b"port = 8201 # new\n", "capabilities.toml": b"# new\n"},
    "one created, one changed": {"slots/voice.toml": b"port = 8103\n", "slots/chat.toml": b"port = 8201 # new\n"},
    "one deleted": {"slots/code.toml": None},
    "created, deleted, changed": {
        "profiles.toml": b"# created\n",
        "slots/code.toml": None,
        "slots/chat.toml": b"port = 8201 # new, and longer than before\n",
    },
}


def after(old: State, edits: dict[str, bytes | None]) -> State:
    return {file: data for file, data in (old | edits).items() if data is not None}


def change_set(old: State, edits: dict[str, bytes | None]) -> ChangeSet:
    return ChangeSet(tuple(FileChange(file, old.get(file), new) for file, new in edits.items()), "a test", "to see")


def never(seconds: float) -> None:
    raise AssertionError("nobody else holds the lock")


def write(fs: Fs, home: str, old: State, edits: dict[str, bytes | None]) -> Committed:
    """As every writer does it."""
    with writing(fs, home, never) as held:
        return commit(fs, held.root, change_set(old, edits), home)


def seen(fs: Fs, home: str) -> State:
    """What a reader sees."""
    files = read_once(fs, home)
    assert not files.busy
    assert not [file.refused for file in files.files.values() if file.refused]
    return {name: file.data for name, file in files.files.items()}


def on_disk(home: Path) -> State:
    """Every file of the folders, not only the counted ones, but the state folder."""
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and ".hal0" not in path.parts
    }


def left_over(home: Path) -> set[str]:
    state = home / ".hal0"
    return {str(path.relative_to(state)) for path in state.rglob("*")} - {"lock", ".gitignore"}


def make_home(home: Path, state: State = OLD) -> Path:
    for file, data in state.items():
        (home / file).parent.mkdir(parents=True, exist_ok=True)
        (home / file).write_bytes(data)
    return home


@contextmanager
def quick_folder() -> Iterator[Path]:
    """On a file system in memory, where the machine has one: many homes, each only as durable as a test."""
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        yield Path(folder)
