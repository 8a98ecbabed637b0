"""Edits keep every byte that they are not about, or are refused."""

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from hal0_operator.migrate.edit import CannotEdit, Drop, Rename, Set, edited

TEXT = """\
# the chat slot
name = "chat"   # as the file
backend = 'vulkan'
port=8081

[model]   # what it serves
default = "m"
"""


def test_a_value_is_replaced_where_it_stands():
    assert edited(TEXT, [Set(("name",), "talk")]) == TEXT.replace('"chat"   #', '"talk"   #')


def test_a_new_key_goes_below_the_last_of_its_table():
    assert edited(TEXT, [Set(("device",), "cpu")]) == TEXT.replace("port=8081\n", 'port=8081\ndevice = "cpu"\n')
    assert edited(TEXT, [Set(("model", "context_size"), 4096)]) == TEXT + "context_size = 4096\n"


def test_a_new_table_goes_to_the_end():
    assert edited("a = 1", [Set(("server", "extra_args"), "--x")]) == 'a = 1\n\n[server]\nextra_args = "--x"\n'


def test_a_key_goes_and_its_neighbours_stay():
    assert edited(TEXT, [Drop(("backend",))]) == TEXT.replace("backend = 'vulkan'\n", "")


def test_a_key_gets_another_name_in_its_place():
    assert edited(TEXT, [Rename(("backend",), "device")]) == TEXT.replace("backend", "device")


PROFILES = """\
# my profiles

# copied
[profile.rocm]
image = "a"
flags = '''
-x
'''

[profile.rocm.env]
A = "1"

# my own
[profile.mine]
image = "b"
"""


def test_a_table_goes_with_what_is_below_it_and_its_own_comment():
    assert edited(PROFILES, [Drop(("profile", "rocm"))]) == ('# my profiles\n\n# my own\n[profile.mine]\nimage = "b"\n')


def test_a_table_gets_another_name_with_what_is_below_it():
    wanted = PROFILES.replace("[profile.rocm", "[profile.rocm-custom")
    assert edited(PROFILES, [Rename(("profile", "rocm"), "rocm-custom")]) == wanted


def test_dotted_keys_are_understood():
    text = 'profile.rocm.image = "a"\nprofile."rocm".flags = ""\nprofile.mine.image = "b"\n'
    assert edited(text, [Rename(("profile", "rocm"), "x")]) == (
        'profile.x.image = "a"\nprofile.x.flags = ""\nprofile.mine.image = "b"\n'
    )
    assert edited(text, [Drop(("profile", "rocm"))]) == 'profile.mine.image = "b"\n'


def test_line_ends_and_a_byte_order_mark_are_kept():
    text = "\ufeff" + TEXT.replace("\n", "\r\n")
    changed = edited(text, [Set(("device",), "cpu"), Drop(("backend",)), Set(("port",), 1)])
    assert changed.startswith("\ufeff# the chat slot\r\n")
    assert changed.count("\n") == changed.count("\r\n")


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        ('profile = { rocm = { image = "a" } }\n', Rename(("profile", "rocm"), "x")),
        ('[model]\ndefault = """\na\n"""\n', Set(("model", "default"), "b")),
        ("model = { default = 1 }\n", Set(("model", "context_size"), 1)),
        ('text = """\nport = 1\n"""\nport = 2\n', Set(("port",), 3)),
    ],
)
def test_a_layout_that_is_not_understood_is_refused(text, edit):
    with pytest.raises(CannotEdit):
        edited(text, [edit])


keys = st.sampled_from(["a", "b", "c", "t.a", "t.b", "u.a"])
values = st.one_of(
    st.integers(0, 9), st.booleans(), st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=6)
)


def test_the_one_character_that_json_leaves_and_toml_refuses_is_escaped():
    assert edited("", [Set(("a",), "\x7f")]) == 'a = "\\u007f"\n'


@given(st.lists(st.tuples(keys, st.sampled_from([" # note", "", "  "])), max_size=6), keys, values)
def test_setting_any_value_leaves_comments_and_other_values(lines, key, value):
    rows = {}
    for name, comment in lines:
        rows.setdefault(name, f'{name} = "x"{comment}\n')
    text = "# head\n" + "".join(rows.values())
    path = tuple(key.split("."))
    changed = edited(text, [Set(path, value)])
    tree = tomli.loads(changed)
    for name in path[:-1]:
        tree = tree[name]
    assert tree[path[-1]] == value
    assert all(row in changed for name, row in rows.items() if name != key)
    assert "# head\n" in changed
