"""The power fails anywhere, and of what was not yet durable any part is kept: still all-old or all-new."""

from collections.abc import Callable, Iterable

import pytest

from hal0_operator.home.commit import commit, writing
from tests.home.change_sets import OLD, SCENARIOS, State, after, change_set, never, seen, write
from tests.support.power_fs import PowerFs, Tree

HOME = "/home"
BEFORE: Tree = {
    HOME: None,
    f"{HOME}/slots": None,
    **{f"{HOME}/{file}": data for file, data in OLD.items()},
}
FURTHER: dict[str, bytes | None] = {"slots/chat.toml": b"port = 8301 # further\n", "slots/late.toml": b"port = 8302\n"}


class Stopped(Exception):
    """The process ends here; no OSError, so nothing in it clears up."""


class Checked:
    """Each tree once: what is found in it must be one of what it may be, and the next writer must leave that."""

    def __init__(self) -> None:
        self._known: dict[frozenset[tuple[str, bytes | None]], State] = {}
        self.cuts = 0

    @property
    def states(self) -> int:
        return len(self._known)

    def trees(self, trees: Iterable[Tree], allowed: list[State]) -> None:
        for tree in trees:
            self.cuts += 1
            key = frozenset(tree.items())
            if key not in self._known:
                self._known[key] = self._outcome(tree)
            assert self._known[key] in allowed, tree

    def _outcome(self, tree: Tree) -> State:
        fs = PowerFs(tree)
        shown = seen(fs, HOME)
        assert shown == seen(fs, HOME)
        assert fs.tree() == tree, "a reader writes nothing"
        with writing(fs, HOME, never):
            pass
        assert contents(fs.tree()) == shown == seen(fs, HOME)
        assert not left_over(fs.tree())
        write(fs, HOME, shown, FURTHER)
        assert contents(fs.tree()) == after(shown, FURTHER)
        assert not left_over(fs.tree())
        return shown


def contents(tree: Tree) -> State:
    return {
        path[len(HOME) + 1 :]: data
        for path, data in tree.items()
        if data is not None and not path.startswith(f"{HOME}/.hal0/")
    }


def left_over(tree: Tree) -> list[str]:
    kept = {f"{HOME}/.hal0/{name}" for name in ("lock", ".gitignore")}
    return [path for path in tree if path.startswith(f"{HOME}/.hal0/") and path not in kept]


def two_change_sets(fs: PowerFs, name: str) -> Checked:
    """Cut the power at every step of one change set and of another after it."""
    new = after(OLD, SCENARIOS[name])
    newer = after(new, FURTHER)
    checked = Checked()
    fs.on_step = lambda: checked.trees(fs.after_a_power_cut(), [OLD, new])
    write(fs, HOME, OLD, SCENARIOS[name])
    checked.trees(fs.after_a_power_cut(), [new])
    fs.on_step = lambda: checked.trees(fs.after_a_power_cut(), [new, newer])
    write(fs, HOME, new, FURTHER)
    checked.trees(fs.after_a_power_cut(), [newer])
    return checked


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_power_cut_anywhere_leaves_all_old_or_all_new(name: str) -> None:
    checked = two_change_sets(PowerFs(BEFORE), name)
    print(f"{name}: {checked.cuts} power cuts, {checked.states} different states")
    assert checked.states > 40


def test_a_folder_of_slots_that_comes_with_its_first_slot_comes_whole() -> None:
    old = {"profiles.toml": b"# p\n"}
    edits: dict[str, bytes | None] = {"slots/voice.toml": b"v\n", "profiles.toml": b"# q\n"}
    checked, fs = Checked(), PowerFs({HOME: None, f"{HOME}/profiles.toml": b"# p\n"})
    fs.on_step = lambda: checked.trees(fs.after_a_power_cut(), [old, after(old, edits)])
    write(fs, HOME, old, edits)
    checked.trees(fs.after_a_power_cut(), [after(old, edits)])


def test_what_an_editor_wrote_late_survives_a_power_cut() -> None:
    """It had the file open, and writes when the change set has already taken the file's place."""
    edits: dict[str, bytes | None] = {"slots/chat.toml": b"new\n"}
    fs = PowerFs(BEFORE)
    place = f"{HOME}/slots/chat.toml"
    opened = fs.stat(place).ino

    def write_late() -> None:
        if fs.stat(place).ino != opened and not fs.changes:  # it is even durable
            fs.inodes[opened].data = fs.inodes[opened].durable = b"mine\n"
            fs.on_step = lambda: None

    fs.on_step = write_late
    assert write(fs, HOME, OLD, edits).overlaid == ("slots/chat.toml",)
    for tree in fs.after_a_power_cut():
        assert contents(tree)["slots/chat.toml"] == b"mine\n"


class Forgetful(PowerFs):
    """One call of ``sync_folder`` does nothing."""

    def __init__(self, forgotten: int) -> None:
        super().__init__(BEFORE)
        self.forgotten = forgotten
        self.synced: list[str] = []

    def sync_folder(self, path: str, below: str = "") -> None:
        self.synced.append(path.removeprefix(HOME))
        if len(self.synced) == self.forgotten:
            self.on_step()
        else:
            super().sync_folder(path, below)


def test_each_sync_is_needed_and_a_forgotten_one_is_found() -> None:
    """But for that of `.gitignore`, and the last: it only spares the next writer a look at a journal that is done."""
    fs = Forgetful(0)
    two_change_sets(fs, "created, deleted, changed")
    unneeded = []
    for number, path in enumerate(fs.synced, 1):
        try:
            two_change_sets(Forgetful(number), "created, deleted, changed")
            unneeded.append((number, path))
        except AssertionError:
            continue
    assert unneeded == [(2, "/.hal0"), (8, "/.hal0"), (13, "/.hal0")]
    assert len(fs.synced) == 13


def stopped_at(fs: PowerFs, number: int, work: Callable[[], object]) -> bool:
    """Whether the work was stopped at its step of that number."""
    left = number

    def step() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Stopped

    fs.on_step = step
    try:
        work()
    except Stopped:
        return True
    finally:
        fs.on_step = lambda: None
        fs.killed()
    return False


def test_a_kill_and_then_a_power_cut_under_the_next_writer_leave_whole_states() -> None:
    name = "created, deleted, changed"
    new = after(OLD, SCENARIOS[name])
    checked = Checked()
    for number in range(1, 1000):
        fs = PowerFs(BEFORE)
        stopped = stopped_at(fs, number, lambda: write(fs, HOME, OLD, SCENARIOS[name]))
        shown = seen(fs, HOME)
        fs.on_step = lambda: checked.trees(fs.after_a_power_cut(), [OLD, new] if shown == new else [OLD])
        with writing(fs, HOME, never) as held:
            checked.trees(fs.after_a_power_cut(), [shown])
            further = after(shown, FURTHER)
            fs.on_step = lambda: checked.trees(fs.after_a_power_cut(), [shown, further])
            commit(fs, held.root, change_set(shown, FURTHER))
        checked.trees(fs.after_a_power_cut(), [further])
        if not stopped:
            break
    print(f"{name}: {number} kills, {checked.cuts} power cuts, {checked.states} different states")
    assert checked.states > 40
