"""A disk that is full, read-only or broken: the old state and a reason before the commit, the new one after it."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hal0_operator.home.commit import Unfinished, Unwritten, writing
from hal0_operator.host.fs import HostFs
from tests.home.change_sets import (
    OLD,
    SCENARIOS,
    after,
    left_over,
    make_home,
    never,
    on_disk,
    seen,
    write,
)
from tests.support.syscalls import CHANGING, LOOKING, WRITES, interposed

EDITS = SCENARIOS["created, deleted, changed"]
NEW = after(OLD, EDITS)


class Failing:
    """Fails the call of one number, or every changing call from there on."""

    def __init__(self, code: int, number: int, *, lasting: bool = False) -> None:
        self.code, self.number, self.lasting, self.hit = code, number, lasting, False

    def __call__(self, number: int, name: str, args: tuple[object, ...]) -> None:
        due = number >= self.number if self.lasting else number == self.number
        if due and not (self.lasting and name == "open" and not args[1] & os.O_CREAT):
            self.hit = True
            raise OSError(self.code, os.strerror(self.code))


def attempt(home: Path, fault: Failing, names: tuple[str, ...]) -> str:
    """What became of a writer that met the fault."""
    with interposed(fault, names=names, folders=True):
        try:
            write(HostFs(), str(home), OLD, EDITS)
        except Unwritten as error:
            assert error.file and os.strerror(fault.code) in error.reason and error.reason in str(error)
            return "unwritten"
        except Unfinished as error:
            assert error.files == tuple(EDITS) and "committed, not yet applied" in str(error)
            return "unfinished"
    return "written"


def check(home: Path, outcome: str, *, cleared: bool) -> None:
    fs, path = HostFs(), str(home)
    expected = OLD if outcome == "unwritten" else NEW
    assert seen(fs, path) == seen(fs, path) == expected
    if outcome == "unwritten":
        assert on_disk(home) == OLD
        assert not cleared or left_over(home) == set()
    waiting = (home / ".hal0/journal").exists()
    with writing(fs, path, never) as held:
        assert (held.recovered is not None) == waiting
        assert held.recovered is None or (held.recovered.overlaid == () and not held.recovered.void)
    assert on_disk(home) == expected == seen(fs, path)
    assert left_over(home) == set()
    if outcome == "unwritten":
        assert write(fs, path, OLD, EDITS).overlaid == ()
        assert on_disk(home) == NEW


@pytest.mark.parametrize(
    ("code", "names"),
    [(errno.ENOSPC, WRITES), (errno.EIO, WRITES + LOOKING)],
    ids=["full at any write", "broken at any call"],
)
def test_one_failed_call_leaves_the_old_state_or_a_committed_one(
    folder: Path, code: int, names: tuple[str, ...]
) -> None:
    outcomes = []
    for number in range(1, 2000):
        home = make_home(folder / str(number))
        fault = Failing(code, number)
        outcome = attempt(home, fault, names)
        check(home, outcome, cleared=True)
        if not fault.hit:
            break
        outcomes.append(outcome)
    assert outcome == "written"
    print({each: outcomes.count(each) for each in set(outcomes)})
    assert set(outcomes) == {"unwritten", "unfinished", "written"}
    assert outcomes.count("unwritten") > 20 and outcomes.count("unfinished") > 10


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC])
def test_a_fault_that_stays_leaves_the_old_state_or_a_committed_one(folder: Path, code: int) -> None:
    outcomes = []
    for number in range(1, 2000):
        home = make_home(folder / str(number))
        fault = Failing(code, number, lasting=True)
        outcome = attempt(home, fault, ("open", *CHANGING))
        check(home, outcome, cleared=False)
        if not fault.hit:
            break
        outcomes.append(outcome)
    assert set(outcomes) >= {"unwritten", "unfinished"}


def test_a_home_that_cannot_be_written_says_why_and_is_read_as_ever(folder: Path) -> None:
    home = make_home(folder / "home")
    fault = Failing(errno.EROFS, 1, lasting=True)
    with interposed(fault, names=("open", *CHANGING)):
        with pytest.raises(Unwritten, match="Read-only file system; nothing was written"):
            write(HostFs(), str(home), OLD, EDITS)
        assert seen(HostFs(), str(home)) == OLD


def test_a_committed_change_set_shows_in_a_home_that_became_read_only(folder: Path) -> None:
    home = make_home(folder / "home")

    def broken(number: int, name: str, args: tuple[object, ...]) -> None:
        if name == "renameat2":
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with interposed(broken), pytest.raises(Unfinished, match="Read-only file system"):
        write(HostFs(), str(home), OLD, EDITS)
    assert on_disk(home) == OLD
    with interposed(Failing(errno.EROFS, 1, lasting=True), names=("open", *CHANGING)):
        assert seen(HostFs(), str(home)) == NEW
        with pytest.raises((Unwritten, Unfinished)), writing(HostFs(), str(home), never):
            pass
        assert seen(HostFs(), str(home)) == NEW


def test_a_folder_that_may_not_be_written_is_found_before_the_commit(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(folder / "home")
    allowed = HostFs.may_write
    monkeypatch.setattr(HostFs, "may_write", lambda self, path, below="": "slots" not in path and allowed(self, path))
    with pytest.raises(Unwritten, match=r"slots/chat\.toml: its folder may not be written"):
        write(HostFs(), str(home), OLD, EDITS)
    assert on_disk(home) == OLD and left_over(home) == set()
