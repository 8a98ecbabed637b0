"""Whatever the layout is, an edit does what it means, keeps all else, and can be made again."""

import copy

import pytest
import tomli
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hal0_operator.changes.edit import CannotEdit, Drop, Rename, Set, edited, literal
from hal0_operator.changes.layout import Layout
from tests.changes.layouts import documents, names, paths, scalars

any_layout = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])

values = st.one_of(
    scalars,
    st.lists(scalars, max_size=2),
    st.dictionaries(names, st.one_of(scalars, st.dictionaries(names, scalars, max_size=1)), max_size=2),
)


@st.composite
def edits(draw, tree):
    """An edit of a key that is there, more often than not, or of one that could be."""
    there = [*paths(tree), ()]
    path = draw(st.sampled_from(there))
    if not path or draw(st.integers(0, 2)) == 0:
        path = (*path, *draw(st.lists(names, min_size=1, max_size=2)))
    kind = draw(st.sampled_from(["set", "set", "drop", "rename"]))
    if kind == "set":
        return Set(path, draw(values))
    return Drop(path) if kind == "drop" else Rename(path, draw(names))


def decoded(text):
    return tomli.loads(text.removeprefix("\ufeff"))


def found(tree, path):
    """The value at a path, ``None`` when nothing is there: TOML has no other use for it."""
    for part in path:
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree


def meant(tree, edit):
    """The tree that an edit means, ``None`` when it means nothing."""
    tree = copy.deepcopy(tree)
    table = tree
    for part in edit.path[:-1]:
        table = table.setdefault(part, {}) if isinstance(edit, Set) else table.get(part, {})
        if not isinstance(table, dict):
            return tree if isinstance(edit, Drop) else None
    name = edit.path[-1]
    match edit:
        case Set(_, value):
            table[name] = value
        case Drop(_):
            table.pop(name, None)
        case Rename(_, new):
            if name in table and (new == name or new not in table):
                table[new] = table.pop(name)
            elif (name in table) == (new in table):
                return None
    return tree


def exact(value):
    """A form that tells 1 from 1.0 and true, and takes nan for nan; tables are in order of their keys."""
    if isinstance(value, dict):
        return {name: exact(value[name]) for name in sorted(value)}
    return list(map(exact, value)) if isinstance(value, list | tuple) else repr(value)


def pruned(tree):
    """Without the tables that hold nothing: a table may go with its last key."""
    if not isinstance(tree, dict):
        return tree
    inner = {name: pruned(value) for name, value in tree.items()}
    return {name: value for name, value in inner.items() if value != {}}


@any_layout
@given(documents(), st.data())
def test_an_edit_does_what_it_means_or_means_nothing(document, data):
    text, tree = document
    for _ in range(data.draw(st.integers(1, 3))):
        edit = data.draw(edits(tree))
        wanted = meant(tree, edit)
        try:
            text = edited(text, [edit])
        except CannotEdit:
            assert wanted is None
            return
        tree = decoded(text)
        assert wanted is not None
        assert exact(pruned(tree) if isinstance(edit, Drop) else tree) == exact(
            pruned(wanted) if isinstance(edit, Drop) else wanted
        )


@any_layout
@given(documents(), st.data())
def test_edits_that_are_made_again_change_nothing(document, data):
    text, tree = document
    wanted, several = tree, []
    for _ in range(data.draw(st.integers(1, 3))):
        edit = data.draw(edits(tree))
        wanted = meant(wanted, edit)
        assume(wanted is not None)
        several.append(edit)
    # edits may undo one another, such as the renaming of what was just set, but not of different tables
    assume(len({edit.path[0] for edit in several}) == len(several))
    assume(len(several) == 1 or not any(isinstance(edit, Rename) and len(edit.path) == 1 for edit in several))
    once = edited(text, several)
    assert edited(once, several) == once
    if exact(wanted) == exact(tree):
        assert once == text


MARK = "@ mark @"


@any_layout
@given(documents(), scalars, st.data())
def test_a_value_is_all_that_changes_around_it(document, value, data):
    text, tree = document
    plain = [path for path in paths(tree) if not isinstance(found(tree, path), dict | list)]
    assume(plain)
    path = data.draw(st.sampled_from(plain))
    marked = edited(text, [Set(path, MARK)])
    before, after = marked.split(literal(MARK))
    assert text.startswith(before)
    assert text.endswith(after)
    old = text[len(before) : len(text) - len(after)]
    assert exact(tomli.loads(f"x = {old}")["x"]) == exact(found(tree, path))
    assert edited(marked, [Set(path, value)]) == before + literal(value) + after


@any_layout
@given(documents(), names, scalars, st.data())
def test_a_new_key_is_all_that_is_added(document, name, value, data):
    text, tree = document
    tables = [(), *(path for path in paths(tree) if isinstance(found(tree, path), dict))]
    path = (*data.draw(st.sampled_from(tables)), name)
    assume(found(tree, path) is None)
    longer = edited(text, [Set(path, value)])
    added = len(longer) - len(text)
    assert any(longer[:at] + longer[at + added :] == text for at in range(len(text) + 1))


@any_layout
@given(documents(), st.data())
def test_what_is_dropped_takes_only_lines_of_its_own_along(document, data):
    text, tree = (document[0].removeprefix("\ufeff"), document[1])
    assume(tree)
    path = data.draw(st.sampled_from([*paths(tree)]))
    shorter = edited(text, [Drop(path)])
    inline = any(pair.outer for pair in Layout(text.encode()).pairs(path))
    before = iter(text if inline else text.splitlines(keepends=True))
    assert all(
        any(part == old for old in before) for part in (shorter if inline else shorter.splitlines(keepends=True))
    )


SLOT = """\
# written by the installer
name = "chat"
type = "llm"
backend = "vulkan"   # old
port = 8081

[model]
default = "m"
labels = ["tool-calling", "vision"]

# more
[server]
extra_args = "--jinja"

[server.env]
A = "1"
"""
OVERLAY = """\
schema_version = 2

[selections.voice.stt]
device = "npu"
provider = ""
enabled = true

[selections.voice.tts]
device = ""
enabled = false
"""
PROFILES = """\
legacy_seeds_migrated = true

[profile.moe]
flags = "--jinja"
mtp = false

[profile.moe.env]
A = "1"

[profile."my own"]
image = "localhost/x:1"
"""
NESTED = SLOT.replace("name =", "[slot]\nname =").replace("[model]", "[slot.model]").replace("[server", "[slot.server")
OURS = [SLOT, NESTED, OVERLAY, PROFILES, SLOT.replace("[server]\n", "").replace("[server.env]\n", "")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("text", OURS)
def test_no_edit_of_a_file_as_hal0_writes_it_is_refused(text, end):
    text, tree = text.replace("\n", end), tomli.loads(text)
    new = [("zz",), ("zz", "yy"), ("selections", "img", "img", "device"), ("profile", "new", "image"), ("model", "n")]
    for path in [*paths(tree), *new, *((*path, "zz") for path in paths(tree) if isinstance(found(tree, path), dict))]:
        for edit in [Set(path, "v"), Set(path, {"a": 1}), Drop(path)]:
            changed = edited(text, [edit])
            assert exact(pruned(decoded(changed))) == exact(pruned(meant(tree, edit)))
            assert changed.count(end) == changed.count("\n")
        if found(tree, path) is not None:
            assert decoded(edited(text, [Rename(path, "zz")])) == meant(tree, Rename(path, "zz"))
