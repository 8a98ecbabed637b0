"""A writer killed before or after any call to the kernel: readers see all-old or all-new, and the next one clears up."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hal0_operator.home.commit import writing
from hal0_operator.home.read import SETTLE_S, Reader
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
from tests.support.syscalls import CHANGING, interposed

KILLED = 137


def killed_at(number: int, *, afterwards: bool, work: Callable[[], object], folders: bool = False) -> bool:
    """Run ``work`` in a process that dies around its call of that number; False when it makes fewer calls."""

    def die(count: int, *_: object) -> None:
        if count == number:
            os._exit(KILLED)

    child = os.fork()
    if child == 0:
        try:
            nothing = lambda *_: None
            # what changes nothing ends as the call before it did
            with interposed(nothing, die, CHANGING) if afterwards else interposed(die, folders=folders):
                work()
            os._exit(0)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, KILLED)
    return code == KILLED


def settled(home: Path) -> dict[str, bytes]:
    reader = Reader(HostFs(), str(home))
    reader.look(0)
    reading = reader.look(SETTLE_S * 2)
    assert reading.settled
    return {name: file.data for name, file in reading.files.files.items()}


def check(home: Path, old: dict[str, bytes], new: dict[str, bytes]) -> bool:
    """What must hold after a kill; whether the change set was committed."""
    fs, path = HostFs(), str(home)
    shown = seen(fs, path)
    assert shown in (old, new)
    assert shown == seen(fs, path) == settled(home)
    before = on_disk(home)
    with writing(fs, path, never):
        pass
    assert on_disk(home) == shown == seen(fs, path), f"readers saw {shown} over {before}"
    assert left_over(home) == set()
    further = {"slots/chat.toml": b"port = 8301 # further\n", "slots/late.toml": b"port = 8302\n"}
    assert write(fs, path, shown, further).overlaid == ()
    assert on_disk(home) == after(shown, further)
    assert left_over(home) == set()
    return shown == new


@pytest.mark.parametrize("afterwards", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_kill_around_any_call_leaves_all_old_or_all_new(folder: Path, name: str, afterwards: bool) -> None:
    edits, every = SCENARIOS[name], name == "two changed"
    committed = []
    for number in range(1, 1000):
        home = make_home(folder / str(number))
        dead = killed_at(
            number, afterwards=afterwards, work=lambda: write(HostFs(), str(home), OLD, edits), folders=every
        )
        committed.append(check(home, OLD, after(OLD, edits)))
        if not dead:
            break
    print(f"{name}: {len(committed) - 1} kill points, {committed.count(False)} before the commit")
    assert len(committed) - 1 > 20
    assert committed == sorted(committed), "once committed, always committed"
    assert 10 < committed.count(False) < len(committed) - 5


def test_a_kill_of_the_one_who_finishes_is_no_different(folder: Path) -> None:
    """The first writer dies right after its commit, the second anywhere in finishing it."""
    edits = SCENARIOS["created, deleted, changed"]
    new = after(OLD, edits)
    first = commit_point(folder, edits)
    points = 0
    for number in range(1, 1000):
        home = make_home(folder / f"second-{number}")
        assert killed_at(first, afterwards=True, work=lambda: write(HostFs(), str(home), OLD, edits))
        dead = killed_at(number, afterwards=False, work=lambda: recovered(home))
        assert seen(HostFs(), str(home)) == new
        assert check(home, OLD, new)
        if not dead:
            break
        points += 1
    print(f"{points} kill points of the second writer")
    assert points > 20


def recovered(home: Path) -> None:
    with writing(HostFs(), str(home), never) as held:
        assert held.recovered is not None and held.recovered.by == "a test"


def commit_point(folder: Path, edits: dict[str, bytes | None]) -> int:
    """The number of the call that renames the journal."""
    found = []

    def look(number: int, name: str, args: tuple[object, ...]) -> None:
        if name == "rename" and args[1] == "journal":
            found.append(number)

    home = make_home(folder / "reference")
    with interposed(look, names=CHANGING):
        write(HostFs(), str(home), OLD, edits)
    (number,) = found
    return number
