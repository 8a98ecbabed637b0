"""A person saves while a change set is written: whatever the moment, that newer save stays."""

import errno
import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from hal0_operator.home.commit import Committed, Conflict, writing
from hal0_operator.host import rename
from hal0_operator.host.fs import HostFs
from tests.home.change_sets import OLD, left_over, make_home, never, on_disk, seen, write
from tests.support.syscalls import LOOKING, WRITES, interposed

MINE = b"port = 9999 # a person's\n"
CHAT, CODE, VOICE = "slots/chat.toml", "slots/code.toml", "slots/voice.toml"
EDITS: dict[str, bytes | None] = {CHAT: b"port = 8201 # new\n", VOICE: b"port = 8103\n", CODE: None}
EVERY = WRITES + LOOKING


def atomic_save(path: Path) -> None:
    staged = path.with_name(".staged")
    staged.write_bytes(MINE)
    staged.rename(path)


def in_place_save(path: Path) -> None:
    path.write_bytes(MINE)


def delete(path: Path) -> None:
    path.unlink(missing_ok=True)


class AtCall:
    """Does something right before the call of one number; ``done`` says whether there was one."""

    def __init__(self, number: int, work: Callable[[], object]) -> None:
        self.number, self.work, self.done = number, work, False

    def __call__(self, number: int, name: str, args: tuple[Any, ...]) -> None:
        if number == self.number:
            self.done = True
            self.work()


def attempt(home: Path) -> Committed | Conflict:
    try:
        return write(HostFs(), str(home), OLD, EDITS)
    except Conflict as conflict:
        return conflict


@pytest.mark.parametrize("save", [atomic_save, in_place_save, delete])
@pytest.mark.parametrize("file", [CHAT, VOICE, CODE], ids=["changed", "created", "deleted"])
def test_a_save_between_any_two_steps_is_never_replaced(folder: Path, save: Callable[[Path], None], file: str) -> None:
    outcomes = set()
    for number in count(1):
        home = make_home(folder / str(number))
        person = AtCall(number, lambda: save(home / file))
        with interposed(person, names=EVERY) as made:
            outcome = attempt(home)
        if not person.done:
            break
        disk = on_disk(home)
        assert left_over(home) == set()
        assert seen(HostFs(), str(home)) == disk
        if save is delete:
            # there was nothing to delete before the file was created, or after it was deleted
            assert file not in disk or file == VOICE
        else:
            assert disk[file] == MINE, f"call {number}: {made[number - 3 : number + 2]}"
        others = {name: data for name, data in disk.items() if name != file}
        if isinstance(outcome, Conflict):
            assert outcome.files == (file,)
            assert others == {name: data for name, data in OLD.items() if name != file}
        else:
            new = {name: data for name, data in (OLD | EDITS).items() if data is not None and name != file}
            assert others == new
        outcomes.add("conflict" if isinstance(outcome, Conflict) else outcome.overlaid)
    # A save after the file was put in place is simply a later one, and a file deleted twice is deleted.
    expected = {"conflict", (), (file,)}
    if save is delete and file in (VOICE, CODE):
        expected = {()} if file == VOICE else {"conflict", ()}
    assert outcomes == expected


@pytest.mark.parametrize("file", [CHAT, CODE], ids=["changed", "deleted"])
@pytest.mark.parametrize("saves", [(1,), (1, 2), (2,), (1, 3), (2, 3), (1, 2, 3), (1, 2, 3, 4), (3, 4, 5)], ids=repr)
def test_the_newest_of_several_saves_is_back_before_the_next_file_is_turned_to(
    folder: Path, file: str, saves: tuple[int, ...]
) -> None:
    """Each save comes right before one of the renames, also of those that put an earlier save back."""
    home = make_home(folder / "home")
    renames, newest, wanting = 0, b"", []

    def person(number: int, name: str, args: tuple[Any, ...]) -> None:
        nonlocal renames, newest
        if name == "fsync" and newest and not (home / file).exists():
            wanting.append(number)
        if name != "renameat2" or Path(file).name.encode() not in (args[1], args[3]):
            return
        renames += 1
        if renames in saves:
            newest = MINE + b"# %d\n" % renames
            atomic_save(home / file)
            (home / file).write_bytes(newest)

    def at_the_next(number: int, name: str, args: tuple[Any, ...]) -> None:
        mine = Path(file).name.encode() in args[1:4:2] if name == "renameat2" else name != "fsync"
        if newest and not mine and (home / file).exists() and (home / file).read_bytes() != newest:
            wanting.append(number)

    def both(number: int, name: str, args: tuple[Any, ...]) -> None:
        at_the_next(number, name, args)
        person(number, name, args)

    with interposed(both, names=WRITES):
        outcome = attempt(home)
    assert not wanting
    if newest:
        assert on_disk(home)[file] == newest
        assert outcome == Committed((file,))
    else:
        assert outcome == Committed()
    assert left_over(home) == set()


def test_an_editor_that_had_the_file_open_and_writes_late_is_kept(folder: Path) -> None:
    """Lost is only what begins after the last look at the old file, right before it is unlinked."""
    lost, late = [], False
    for number in count(1):
        home = make_home(folder / str(number))
        editor = os.open(home / CHAT, os.O_WRONLY)
        inode = os.fstat(editor).st_ino
        looks: list[int] = []

        def write_late() -> None:
            os.ftruncate(editor, 0)
            os.pwrite(editor, MINE, 0)

        person = AtCall(number, write_late)

        def hook(at: int, name: str, args: tuple[Any, ...]) -> None:
            if name == "read" and os.fstat(args[0]).st_ino == inode:
                looks.append(at)
            person(at, name, args)

        with interposed(hook, names=EVERY):
            attempt(home)
        os.close(editor)
        if not person.done:
            break
        if on_disk(home)[CHAT] != MINE:
            lost.append(number)
            assert number >= max(looks)
    print(f"{number - 1} calls; lost from {lost[0]} on")
    assert number - lost[0] < number / 6, "only at the very end"


@pytest.mark.parametrize("file", [CHAT, VOICE], ids=["changed", "created"])
@pytest.mark.parametrize("code", [errno.EINVAL, errno.EXDEV], ids=["no such flag", "another file system"])
def test_without_an_exchange_only_the_moment_before_the_rename_is_open(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: int, file: str
) -> None:
    """Where the file system cannot tell what came out, a look right before must do."""
    monkeypatch.setattr(rename, "renameat2", lambda *_: code)
    names = tuple(name for name in EVERY if name != "renameat2")
    lost = []
    for number in count(1):
        home = make_home(folder / str(number))
        person = AtCall(number, lambda: atomic_save(home / file))
        with interposed(person, names=names) as made:
            outcome = attempt(home)
        assert left_over(home) == set()
        if not person.done:
            break
        if on_disk(home)[file] != MINE:
            lost.append((number, made[number - 1]))
    assert outcome == Committed()
    assert on_disk(home) == {name: data for name, data in (OLD | EDITS).items() if data is not None}
    numbers = [number for number, _ in lost]
    assert numbers == [*range(numbers[0], numbers[-1] + 1)], "one moment"
    assert lost[-1][1] == "rename"
    if file == CHAT:
        read = max(at for at, name in enumerate(made[: numbers[-1]], 1) if name == "read")
        opened = max(at for at, name in enumerate(made[:read], 1) if name == "open")
        assert numbers[0] > opened, "what is saved before the last look is seen"
    else:
        assert len(numbers) == 1, "nothing comes between the last look and the rename"


def test_a_home_whose_files_and_folders_are_links_is_written_where_they_lead(folder: Path) -> None:
    home = make_home(folder / "home", {"v2/chat.toml": b"old\n", "v2/code.toml": b"x\n", "shared/caps": b"old caps\n"})
    (home / "slots").symlink_to("v2")
    (home / "capabilities.toml").symlink_to("shared/caps")
    (folder / "current").symlink_to("home")
    old = {CHAT: b"old\n", CODE: b"x\n", "capabilities.toml": b"old caps\n"}
    edits = {CHAT: b"new\n", VOICE: b"voice\n", CODE: None, "capabilities.toml": b"new caps\n"}
    assert write(HostFs(), f"{folder}/current/", old, edits) == Committed()
    assert on_disk(home) == {
        "v2/chat.toml": b"new\n",
        "v2/voice.toml": b"voice\n",
        "shared/caps": b"new caps\n",
        "capabilities.toml": b"new caps\n",
    }
    assert (home / "slots").is_symlink() and (home / "capabilities.toml").is_symlink()
    assert left_over(home) == set()


def test_a_file_keeps_its_mode(folder: Path) -> None:
    home = make_home(folder / "home")
    (home / CHAT).chmod(0o640)
    write(HostFs(), str(home), OLD, EDITS)
    assert (home / CHAT).stat().st_mode & 0o777 == 0o640
    assert (home / VOICE).stat().st_mode & 0o777 == 0o644


def test_a_folder_of_slots_that_is_not_there_comes_with_its_first_slot(folder: Path) -> None:
    home = make_home(folder / "home", {"profiles.toml": b"# p\n"})
    assert write(HostFs(), str(home), {"profiles.toml": b"# p\n"}, {VOICE: b"v\n"}) == Committed()
    assert on_disk(home) == {"profiles.toml": b"# p\n", VOICE: b"v\n"}


def test_saving_what_is_there_touches_nothing(folder: Path) -> None:
    home = make_home(folder / "home")
    before = (home / CHAT).stat()
    with writing(HostFs(), str(home), never):
        pass
    state = (home / ".hal0").stat().st_mtime_ns
    assert write(HostFs(), str(home), OLD, {CHAT: OLD[CHAT], VOICE: None}) == Committed()
    assert (home / CHAT).stat() == before and (home / ".hal0").stat().st_mtime_ns == state
