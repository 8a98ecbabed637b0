"""Whatever the bytes: an answer, and the same one for the same content."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal0_operator.desired.settings import decode_settings
from hal0_operator.desired.source import SourceFile
from tests.desired.test_assemble import OVERLAY, PROFILES
from tests.desired.texts import GOOD, snapshot

FILES = ("slots/chat.toml", "profiles.toml", "capabilities.toml")
TEXTS = dict(zip(FILES, (GOOD, PROFILES, OVERLAY), strict=True))
WORDS = st.sampled_from(
    ["[", "]", "[[", "]]", "{", "}", "=", ".", ",", "\n", "\r\n", "#", '"', "'", '"""', "\\", "\x00", "é", "\ufeff"]
    + ["slot", "model", "port", "profile", "selections", "voice", "stt", "device", "default", "env", "image", "mounts"]
    + ["8081", "-1", "1.5", "nan", "true", "2024-01-01", "12:00:00", "cpu", '"cpu"', "<<<<<<< x", "0x"]
)


def holds(file: str, data: bytes) -> None:
    """Nothing is raised, and every problem has a place inside the text."""
    taken = snapshot({file: data})
    lines = data.decode(errors="replace").removeprefix("\ufeff").split("\n")
    for problem in taken.problems:
        assert problem.at is not None
        assert 1 <= problem.at.line <= len(lines)
        assert 1 <= problem.at.column <= len(lines[problem.at.line - 1]) + 2
        assert problem.message.isprintable()
    assert taken.problems or taken.slots or file != "slots/chat.toml"


@pytest.mark.parametrize("file", FILES)
@given(data=st.binary(max_size=200))
@settings(max_examples=150)
def test_arbitrary_bytes_never_raise(file: str, data: bytes) -> None:
    holds(file, data)


@pytest.mark.parametrize("file", FILES)
@given(words=st.lists(WORDS, max_size=40))
@settings(max_examples=300)
def test_almost_toml_never_raises(file: str, words: list[str]) -> None:
    holds(file, " ".join(words).encode())
    holds(file, "".join(words).encode())


@given(words=st.lists(WORDS, max_size=30))
def test_settings_of_any_text_never_raise(words: list[str]) -> None:
    decode_settings(SourceFile("config.toml", " ".join(words).encode()))


VALUES = st.recursive(
    st.sampled_from(["0", "-7", "1.5", "inf", "true", '"x"', '""', "'cpu'", "2024-01-01", "99999999999999999999"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(st.sampled_from(["secret", "default", "a"]), inner, max_size=2).map(
            lambda table: "{" + ", ".join(f"{key} = {value}" for key, value in table.items()) + "}"
        ),
    ),
    max_leaves=4,
)
KEYS = {
    "slots/chat.toml": [
        "type",
        "device",
        "port",
        "image",
        "env",
        "model",
        "model.default",
        "server.env",
        "slot",
        "id",
        "name",
        "npu",
    ],
    "profiles.toml": [f"profile.a.{key}" for key in ("image", "flags", "mounts", "env", "mtp", "bench")]
    + ["profile", "x"],
    "capabilities.toml": [
        "schema_version",
        "selections",
        "selections.voice",
        "selections.voice.stt",
        "selections.img.img.model",
    ],
}


@pytest.mark.parametrize("file", FILES)
@given(data=st.data())
@settings(max_examples=200)
def test_any_kind_of_value_at_any_key_is_an_answer(file: str, data: st.DataObject) -> None:
    keys = data.draw(st.lists(st.sampled_from(KEYS[file]), unique=True, min_size=1, max_size=4))
    text = "".join(f"{key} = {data.draw(VALUES)}\n" for key in keys)
    holds(file, text.encode())


@pytest.mark.parametrize("file", FILES)
def test_every_prefix_of_a_good_file_is_an_answer(file: str) -> None:
    data = TEXTS[file].encode()
    for end in range(len(data) + 1):
        holds(file, data[:end])


def test_no_prefix_of_a_slot_file_without_keys_is_a_slot() -> None:
    data = b"# chat\n\n[slot]\n\n[model]\n"
    for end in range(len(data) + 1):
        assert snapshot({"slots/chat.toml": data[:end]}).slots == {}


SCALARS = GOOD.split("[model]")[0].splitlines()
TABLES = ["[model]" + part for part in GOOD.split("[model]")[1:]][0]


@given(order=st.permutations(SCALARS), comment=st.text(string.ascii_letters + " #=[]", max_size=20), crlf=st.booleans())
@settings(max_examples=60)
def test_order_comments_and_line_ends_do_not_move_the_digest(order: list[str], comment: str, crlf: bool) -> None:
    text = "\n".join(f"{line}  #{comment}" for line in order) + f"\n#{comment}\n" + TABLES
    data = text.replace("\n", "\r\n") if crlf else text
    assert snapshot({"slots/chat.toml": data}).digest == snapshot({"slots/chat.toml": GOOD}).digest
