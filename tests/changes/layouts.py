"""Random TOML trees, each written in a random layout: inline, dotted, headers in any order, comments, line ends."""

import datetime

import tomli
from hypothesis import assume
from hypothesis import strategies as st

from hal0_operator.changes.edit import literal

NAMES = ("a", "b", "c", "d-e", "c d", "1", "é", "q.r")
names = st.sampled_from(NAMES)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=6)
scalars = st.one_of(
    st.integers(-9, 9),
    st.booleans(),
    st.floats(),
    texts,
    st.sampled_from(["", "# no comment", "[a]\nb = 1\n", "''' \"\"\"", "\\"]),
)
"""What an edit may give a key."""
moments = st.sampled_from([datetime.date(1979, 5, 27), datetime.time(7, 32), datetime.datetime(1979, 5, 27, 7, 32)])
leaves = st.one_of(scalars, moments, st.lists(scalars, max_size=3))
trees = st.dictionaries(
    names,
    st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.dictionaries(names, inner, max_size=4),
            st.dictionaries(names, inner, min_size=1, max_size=4),
            st.lists(st.dictionaries(names, leaves, max_size=2), min_size=1, max_size=2),
        ),
        max_leaves=12,
    ),
    max_size=5,
)


class Writer:
    """One text in the making; every choice is drawn, every comment is another one."""

    def __init__(self, draw) -> None:
        self.draw = draw
        self.comments = 0

    def one_of(self, *choices):
        return self.draw(st.sampled_from(choices))

    def comment(self) -> str:
        self.comments += 1
        return f"# {self.comments} [x] y = 'z'"

    def gap(self) -> list[str]:
        return self.one_of([], [], [], [""], [self.comment()], ["", self.comment()], [self.comment(), ""])

    def note(self) -> str:
        return self.one_of("", "", "  ", f" {self.comment()}")

    def key(self, path) -> str:
        return self.one_of(".", ".", " . ", "\t.").join(self.part(name) for name in path)

    def part(self, name: str) -> str:
        bare = name.replace("-", "").isalnum() and name.isascii()
        return self.one_of(name, name, f"'{name}'", f'"{name}"') if bare else self.one_of(f"'{name}'", f'"{name}"')

    def value(self, value) -> str:
        match value:
            case dict():
                pairs = [f"{self.key(path)}{self.one_of('=', ' = ')}{text}" for path, text in self.flat(value)]
                lines = "".join(f"\n  {pair}, {self.comment()}" for pair in pairs)
                inside = ", ".join(pairs)
                return self.one_of(f"{{{inside}}}", f"{{ {inside} }}", f"{{{lines}\n}}")
            case list():
                items = [self.value(item) for item in value]
                lines = "".join(f"\n  {item}, {self.comment()}" for item in items)
                return self.one_of(f"[{', '.join(items)}]", f"[{lines}\n]", f"[ {self.comment()}\n{', '.join(items)} ]")
            case str():
                forms = [literal(value)]
                plain = all(char.isprintable() or char == "\n" for char in value)
                if plain and "'" not in value and "\n" not in value:
                    forms.append(f"'{value}'")
                if plain and "'''" not in value and not value.endswith("'"):
                    forms.append(f"'''\n{value}'''")
                if plain and "\\" not in value and '"' not in value:
                    forms.append(f'"""\n{value}"""')
                return self.one_of(*forms)
            case datetime.date() | datetime.time():
                return value.isoformat()
            case _:
                return literal(value)

    def flat(self, table, outer=()):
        """Pairs of an inline table, or of dotted keys: some of its tables are spelled by their keys."""
        for name, value in table.items():
            if isinstance(value, dict) and value and self.one_of(True, False):
                yield from self.flat(value, (*outer, name))
            else:
                yield (*outer, name), self.value(value)

    def sections(self, path, table, header="[{}]"):
        """Groups of lines that may stand in any order: first the table's own lines, then its tables'."""
        own, below = [], []
        for name, value in table.items():
            form = self.one_of("header", "header", "dotted", "inline")
            if isinstance(value, dict) and form == "header":
                below += self.sections((*path, name), value)
            elif (
                isinstance(value, list) and value and all(isinstance(item, dict) for item in value) and form != "inline"
            ):
                below.append(self.elements((*path, name), value))
            elif isinstance(value, dict) and value and form == "dotted":
                apart = [inner for inner in value if isinstance(value[inner], dict) and self.one_of(True, False)]
                for inner in apart:
                    below += self.sections((*path, name, inner), value[inner])
                own += self.flat({inner: value[inner] for inner in value if inner not in apart}, (name,))
            else:
                own.append(((name,), self.value(value)))
        lines = []
        for key, text in own:
            lines += [
                *self.gap(),
                f"{self.one_of('', '', '  ')}{self.key(key)}{self.one_of('=', ' = ')}{text}{self.note()}",
            ]
        if path and (own or not below or header != "[{}]" or self.one_of(True, False)):
            name = self.one_of("{}", "{}", " {} ").format(self.key(path))
            lines = [*self.gap(), header.format(name) + self.note(), *lines]
        return [lines, *below]

    def elements(self, path, tables):
        """An array of tables, whose order is its meaning."""
        return [line for table in tables for group in self.sections(path, table, header="[[{}]]") for line in group]


@st.composite
def documents(draw):
    """(text, tree) of a valid file."""
    tree, writer = draw(trees), Writer(draw)
    root, *rest = writer.sections((), tree)
    if draw(st.booleans()):
        rest = draw(st.permutations(rest))
    lines = [*root, *(line for group in rest for line in group), *writer.gap()]
    text = "\n".join(lines) + draw(st.sampled_from(["\n", "\n", ""]))
    text = draw(st.sampled_from(["", "", "\ufeff"])) + (text.replace("\n", "\r\n") if draw(st.booleans()) else text)
    try:
        found = tomli.loads(text.removeprefix("\ufeff"))
    except tomli.TOMLDecodeError:
        assume(False)
    return text, found


def paths(tree, outer=()):
    """Every key of the tree, tables included, that a key path can name."""
    for name, value in tree.items():
        yield (*outer, name)
        if isinstance(value, dict):
            yield from paths(value, (*outer, name))
