"""Any change set, stopped anywhere, by a kill or a power cut: all-old or all-new."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hal0_operator.home.commit import writing
from tests.home.change_sets import after, never, seen, write
from tests.support.power_fs import PowerFs, Tree

HOME = "/home"
FILES = ("profiles.toml", "capabilities.toml", "slots/a.toml", "slots/b.toml", "slots/c.toml", "slots/d.toml")
texts = st.sampled_from([b"", b"x = 1\n", b"x = 2\n", b"# three\n"])
homes = st.dictionaries(st.sampled_from(FILES), texts)
edits = st.dictionaries(st.sampled_from(FILES), st.none() | texts, min_size=1)


class Stopped(Exception):
    pass


def tree_of(state: dict[str, bytes], *, slots: bool) -> Tree:
    tree: Tree = {HOME: None} | {f"{HOME}/{file}": data for file, data in state.items()}
    if slots or any(file.startswith("slots/") for file in state):
        tree[f"{HOME}/slots"] = None
    return tree


def stopped_at(fs: PowerFs, number: int, old: dict[str, bytes], new: dict[str, bytes | None]) -> None:
    left = number

    def step() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Stopped

    fs.on_step = step
    try:
        write(fs, HOME, old, new)
    except Stopped:
        pass
    finally:
        fs.on_step = lambda: None
        fs.killed()


@settings(deadline=None, max_examples=150, derandomize=True)
@given(homes, edits, st.booleans(), st.integers(1, 60), st.integers(0, 200), edits)
def test_any_change_set_stopped_anywhere_is_whole(
    old: dict[str, bytes], change: dict[str, bytes | None], slots: bool, number: int, cut: int, further: dict
) -> None:
    fs = PowerFs(tree_of(old, slots=slots))
    stopped_at(fs, number, old, change)
    cuts = list(fs.after_a_power_cut())
    for tree in (fs.tree(), *cuts[cut % len(cuts) :: max(1, len(cuts) // 6)]):
        found = PowerFs(tree)
        shown = seen(found, HOME)
        assert shown in (old, after(old, change))
        # the next writer is stopped as well, and the one after it ends the matter
        stopped_at(found, number, shown, {})
        assert seen(found, HOME) == shown
        with writing(found, HOME, never):
            pass
        assert seen(found, HOME) == shown
        assert not [path for path in found.tree() if path.startswith(f"{HOME}/.hal0/stage")]
        write(found, HOME, shown, further)
        assert seen(found, HOME) == after(shown, further)
