"""Edits keep every byte that they are not about, or are refused."""

import math

import pytest
import tomli

from hal0_operator.changes.edit import CannotEdit, Drop, Rename, Set, edited, literal, new_text

TEXT = """\
# the chat slot
name = "chat"   # as the file
# the igpu
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


def test_a_new_key_is_indented_as_its_neighbour():
    assert edited("[a]\n\tb = 1\n[c]\n", [Set(("a", "d"), 2)]) == "[a]\n\tb = 1\n\td = 2\n[c]\n"


def test_a_new_table_goes_to_the_end():
    assert edited("a = 1", [Set(("server", "extra_args"), "--x")]) == 'a = 1\n\n[server]\nextra_args = "--x"\n'


def test_a_first_root_key_goes_below_the_comments_that_a_file_begins_with():
    assert edited("# mine\n\n[a]\nb = 1\n", [Set(("c",), 2)]) == "# mine\nc = 2\n\n[a]\nb = 1\n"
    assert edited("# about a\n[a]\nb = 1\n", [Set(("c",), 2)]) == "c = 2\n\n# about a\n[a]\nb = 1\n"
    assert edited("# mine", [Set(("c",), 2)]) == "# mine\nc = 2\n"


def test_a_key_goes_with_the_comment_right_above_it_and_its_neighbours_stay():
    assert edited(TEXT, [Drop(("backend",))]) == TEXT.replace("# the igpu\nbackend = 'vulkan'\n", "")


def test_the_comment_that_a_file_begins_with_stays():
    assert edited(TEXT, [Drop(("name",))]) == TEXT.replace('name = "chat"   # as the file\n', "")


def test_a_line_of_a_text_is_not_taken_for_a_comment():
    assert edited('a = """\n# x"""\nb = 1\n', [Drop(("b",))]) == 'a = """\n# x"""\n'


def test_the_header_stays_when_its_last_key_goes():
    assert edited(TEXT, [Drop(("model", "default"))]) == TEXT.replace('default = "m"\n', "")


def test_a_key_gets_another_name_in_its_place():
    assert edited(TEXT, [Rename(("backend",), "device")]) == TEXT.replace("backend", "device")
    assert edited("a = 1\n", [Rename(("a",), "b c")]) == '"b c" = 1\n'


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

# ── the ones below are mine ──

# my own
[profile.mine]
image = "b"

[profile.rocm.more]   # apart
x = 1
"""


def test_a_table_goes_with_all_that_is_below_it_and_its_own_comment():
    assert edited(PROFILES, [Drop(("profile", "rocm"))]) == (
        '# my profiles\n\n# ── the ones below are mine ──\n\n# my own\n[profile.mine]\nimage = "b"\n'
    )


def test_a_table_gets_another_name_with_what_is_below_it():
    wanted = PROFILES.replace("[profile.rocm", "[profile.rocm-custom")
    assert edited(PROFILES, [Rename(("profile", "rocm"), "rocm-custom")]) == wanted


def test_a_new_table_stands_below_its_kin():
    text = "[profile.a]\nx = 1\n# y = 2\n\n# b\n[profile.b]\nx = 1\n\n[z]\nx = 1\n"
    assert edited(text, [Set(("profile", "a", "env", "K"), "v")]) == text.replace(
        "# b\n", '[profile.a.env]\nK = "v"\n\n# b\n'
    )
    assert edited(text, [Set(("profile", "c", "x"), 1)]) == text.replace("[z]", "[profile.c]\nx = 1\n\n[z]")


def test_a_table_that_only_its_tables_declare_gets_a_header_above_them():
    text = "k = 1\n# below\n[a.b]\nc = 1\n"
    assert edited(text, [Set(("a", "d"), 2)]) == "k = 1\n\n[a]\nd = 2\n\n# below\n[a.b]\nc = 1\n"


def test_headers_out_of_order_and_with_white_space_are_found():
    text = "[a.b]\nc = 1\n[x]\n[ a ]  # late\n  [ a . 'q r' ]\nd = 1\n"
    assert edited(text, [Set(("a", "e"), 1)]) == text.replace("# late\n", "# late\ne = 1\n")
    assert edited(text, [Set(("a", "q r", "d"), 2)]) == text.replace("d = 1", "d = 2")
    assert edited(text, [Rename(("a",), "z")]) == text.replace("a.b", "z.b").replace("[ a", "[ z")
    assert edited(text, [Drop(("a",))]) == "[x]\n"


def test_dotted_keys_are_understood():
    text = 'profile.rocm.image = "a"\nprofile . "rocm".flags = ""\nprofile.mine.image = "b"\n'
    assert edited(text, [Rename(("profile", "rocm"), "x")]) == (
        'profile.x.image = "a"\nprofile . x.flags = ""\nprofile.mine.image = "b"\n'
    )
    assert edited(text, [Drop(("profile", "rocm"))]) == 'profile.mine.image = "b"\n'


@pytest.mark.parametrize(
    ("text", "path", "wanted"),
    [
        ("model.a = 1\nb = 1\n", ("model", "c"), "model.a = 1\nmodel.c = 0\nb = 1\n"),
        ("model.a = 1\nb = 1\n", ("model", "x", "c"), "model.a = 1\nmodel.x.c = 0\nb = 1\n"),
        ("[t]\nmodel.a.b = 1\n[u]\n", ("t", "model", "c"), "[t]\nmodel.a.b = 1\nmodel.c = 0\n[u]\n"),
        ("[t]\nmodel.a.b = 1\n[u]\n", ("t", "c"), "[t]\nmodel.a.b = 1\nc = 0\n[u]\n"),
        ("a.b = 1\n[a.c.d]\n", ("a", "c", "e"), "a.b = 1\n\n[a.c]\ne = 0\n\n[a.c.d]\n"),
        ("a.b = 1\n[a.c]\n", ("a", "c", "e"), "a.b = 1\n[a.c]\ne = 0\n"),
    ],
)
def test_a_key_of_a_table_of_dotted_keys_stands_beside_them(text, path, wanted):
    assert edited(text, [Set(path, 0)]) == wanted


INLINE = "m = { a = 1, b.c = 'x', d = {e=[1, 2]} } # one line\n"


@pytest.mark.parametrize(
    ("edit", "wanted"),
    [
        (Set(("m", "a"), 2), INLINE.replace("a = 1", "a = 2")),
        (Set(("m", "b", "c"), "y"), INLINE.replace("'x'", '"y"')),
        (Set(("m", "d", "e"), 1.5), INLINE.replace("[1, 2]", "1.5")),
        (Set(("m", "new"), True), INLINE.replace(" } #", ", new = true } #")),
        (Set(("m", "d", "f", "g"), 1), INLINE.replace("[1, 2]", "[1, 2], f.g = 1")),
        (Set(("m", "b"), 3), INLINE.replace(" b.c = 'x',", "").replace(" } #", ", b = 3 } #")),
        (Drop(("m", "a")), INLINE.replace("a = 1, ", "")),
        (Drop(("m", "b")), INLINE.replace("b.c = 'x', ", "")),
        (Drop(("m", "d")), INLINE.replace(", d = {e=[1, 2]}", "")),
        (Drop(("m", "d", "e")), INLINE.replace("e=[1, 2]", "")),
        (Drop(("m",)), ""),
        (Rename(("m", "b"), "z"), INLINE.replace("b.c", "z.c")),
        (Rename(("m", "b", "c"), "z"), INLINE.replace("b.c", "b.z")),
        (Rename(("m", "d", "e"), "z"), INLINE.replace("e=", "z=")),
    ],
)
def test_inline_tables_are_edited_inside(edit, wanted):
    assert edited(INLINE, [edit]) == wanted


def test_an_empty_inline_table_is_filled():
    assert edited("m = {}\n", [Set(("m", "a"), 1)]) == "m = { a = 1 }\n"


def test_an_inline_table_over_lines_keeps_its_comments():
    text = "m = {\n  a = 1, # one\n  # two\n  b = 2, # end\n}\nat = 07:32\ns = '\\e'\nt = \"\\e\\x41\"\n"
    assert edited(text, [Set(("m", "c"), 3)]) == text.replace("b = 2", "b = 2, c = 3")
    assert edited(text, [Set(("s",), "x"), Set(("t",), "")]) == text.replace("'\\e'", '"x"').replace('"\\e\\x41"', '""')


@pytest.mark.parametrize(
    "old", ['"""\na # b\n"""', "'''\n\n[x]'''", "[\n 1, # one\n 2,\n]", "{ x = 1 }", "1979-05-27", "inf"]
)
@pytest.mark.parametrize("end", ["", "\n", "  # why\nz = 1\n"])
def test_a_value_of_any_other_kind_is_replaced_as_a_whole(old, end):
    assert edited(f"a = {old}{end}", [Set(("a",), False)]) == f"a = false{end}"


def test_a_table_makes_room_for_a_value():
    assert edited("k = 1\n\n[a]\nb = 1\n[a.c]\n", [Set(("a",), 2)]) == "k = 1\na = 2\n"
    assert edited("a.b = 1\na.c = 1\n", [Set(("a",), [])]) == "a = []\n"


def test_a_table_of_values_over_a_table_keeps_its_layout():
    text = "[a] # x\nb = 1 # y\nc = 2\n"
    assert edited(text, [Set(("a",), {"b": 1, "d": (1, "x")})]) == '[a] # x\nb = 1 # y\nd = [1, "x"]\n'
    assert edited("", [Set(("a",), {"b": 1, "d e": {}})]) == 'a = { b = 1, "d e" = {} }\n'


def test_arrays_of_tables_are_passed_by():
    text = "[[q]]\nx = 1\n[q.s]\ny = 2\n[[q]]\nx = 3\n[b]\nz = 1\n"
    assert edited(text, [Set(("b", "z"), 2)]) == text.replace("z = 1", "z = 2")
    assert edited(text, [Drop(("q",))]) == "[b]\nz = 1\n"
    assert edited(text, [Rename(("q",), "r")]) == text.replace("q", "r")
    with pytest.raises(CannotEdit, match=r"^set q\.x = 1 by hand: q is not a table$"):
        edited(text, [Set(("q", "x"), 1)])


def test_line_ends_and_a_byte_order_mark_are_kept():
    text = "\ufeff" + TEXT.replace("\n", "\r\n")
    changed = edited(text, [Set(("device",), "cpu"), Drop(("backend",)), Set(("port",), 1), Set(("z", "y"), 1)])
    assert changed.startswith("\ufeff# the chat slot\r\n")
    assert changed.count("\n") == changed.count("\r\n")
    assert "port=1\r\n" in changed


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("\x7f", '"\\u007f"'),
        ('"\\\n\x00é', '"\\"\\\\\\n\\u0000é"'),
        (1.0, "1.0"),
        (1e22, "1e+22"),
        (-math.inf, "-inf"),
        (2**70, str(2**70)),
        ([True, ["a", {}]], '[true, ["a", {}]]'),
    ],
)
def test_a_value_is_written_as_toml_has_it(value, written):
    assert literal(value) == written
    assert tomli.loads(f"a = {written}") == {"a": value}


@pytest.mark.parametrize(("old", "new"), [("1", 1.0), ("1", True), ("1.0", 1), ("0.0", -0.0), ("[1]", [True])])
def test_values_of_different_types_are_different(old, new):
    assert edited(f"a = {old}\n", [Set(("a",), new)]) == f"a = {literal(new)}\n"


def test_what_is_so_already_changes_nothing():
    text = "a = 0x10\nb = 'x' # y\nc = nan\nd = [ 1, 2 ]\n[e]\nf = 1_0\n"
    edits = [Set(("a",), 16), Set(("b",), "x"), Set(("c",), math.nan), Set(("d",), (1, 2)), Set(("e",), {"f": 10})]
    assert edited(text, [*edits, Drop(("z",)), Drop(("a", "z")), Rename(("z",), "a")]) == text


def test_what_cannot_be_done_is_said():
    with pytest.raises(CannotEdit, match=r"^set a\.b = 1 by hand: a is not a table$"):
        edited("a = 1\n", [Set(("a", "b"), 1)])
    with pytest.raises(CannotEdit, match=r"^rename a to b by hand: b is there too$"):
        edited("a = 1\nb = 1\n", [Rename(("a",), "b")])
    with pytest.raises(CannotEdit, match=r"^rename a to b by hand: it is not there$"):
        edited("", [Rename(("a",), "b")])
    with pytest.raises(CannotEdit, match=r'^set p\.a = "x" by hand: the file\'s layout is unusual there$'):
        edited('p."\\x61" = 1\n', [Set(("p", "a"), "x")])
    with pytest.raises(CannotEdit, match="surrogate"):
        edited("", [Set(("a",), "\ud800")])


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "1" * 5000])
def test_a_text_that_is_too_much_for_the_reader_is_refused(text):
    with pytest.raises(CannotEdit, match="by hand"):
        edited(text, [Set(("b",), 1)])


def test_a_bad_text_is_said_to_be_one():
    with pytest.raises(tomli.TOMLDecodeError):
        edited("a = \n", [])


def test_a_new_file_is_written_in_full():
    assert new_text({"type": "llm", "model": {"default": "m"}}) == 'type = "llm"\n\n[model]\ndefault = "m"\n'
