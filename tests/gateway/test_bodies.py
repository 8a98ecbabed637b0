"""Another model's name in a body, and not one other byte changed; cuts of a multipart body, joined again."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal0_operator.gateway.bodies import asked, decode, with_model
from hal0_operator.gateway.faults import Refused
from hal0_operator.gateway.multipart import Closing, Field, Parts, boundary
from hal0_operator.gateway.outline import Outline
from tests.gateway.fakes import form

TEXTS = st.text(max_size=8) | st.sampled_from(['"', "\\", "model", '{"model": "x"}', "}", ":", "é", "\\u006d"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.just("model"), inner, max_size=3),
    max_leaves=8,
)
KEYS = TEXTS.filter(lambda key: key != "model")
SPACE = st.text(" \t\r\n", max_size=2)


@st.composite
def bodies(draw):
    """(before, model's value, after) of a JSON object with odd spaces and escapes; the value may be null."""
    ascii = draw(st.booleans())

    def member(key, value):
        parts = (
            json.dumps(key, ensure_ascii=ascii),
            ":",
            json.dumps(value, ensure_ascii=ascii, indent=draw(st.sampled_from((None, 1)))),
        )
        return "".join(draw(SPACE) + part for part in parts) + draw(SPACE)

    members = [member(key, value) for key, value in draw(st.dictionaries(KEYS, VALUES, max_size=4)).items()]
    at = draw(st.integers(0, len(members)))
    key = draw(st.sampled_from(('"model"', '"\\u006dodel"', '"m\\u006Fdel"')))
    before = (
        draw(SPACE)
        + "{"
        + "".join(f"{text}," for text in members[:at])
        + draw(SPACE)
        + key
        + draw(SPACE)
        + ":"
        + draw(SPACE)
    )
    after = draw(SPACE) + "".join(f",{text}" for text in members[at:]) + "}" + draw(SPACE)
    value = draw(st.text(max_size=8).map(lambda text: json.dumps(text, ensure_ascii=ascii)) | st.just("null"))
    return (
        before.encode("utf-8", "surrogatepass"),
        value.encode("utf-8", "surrogatepass"),
        after.encode("utf-8", "surrogatepass"),
    )


def outline(body, piece=1):
    """Of a body that is seen in slices as small as they can be."""
    found = Outline(body, piece)
    while found.further():
        pass
    return found


@given(bodies(), st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
def test_only_the_bytes_of_the_model_change(body, model):
    before, value, after = body
    whole = before + value + after
    assert decode(whole).model == json.loads(value)
    changed = with_model(whole, model)
    assert changed.startswith(before)
    assert changed.endswith(after)
    assert json.loads(changed[len(before) : len(changed) - len(after)]) == model


@given(st.dictionaries(KEYS, VALUES, max_size=4), SPACE)
def test_a_model_is_added_where_there_is_none(given, space):
    body = (space + json.dumps(given)).encode()
    changed = with_model(body, "tag")
    assert json.loads(changed) == {**given, "model": "tag"}
    assert changed.replace(b'"model":"tag"', b"", 1).replace(b"{,", b"{", 1) == body


@given(st.lists(st.one_of(bodies().map(b"".join), VALUES.map(lambda value: json.dumps(value).encode())), min_size=1))
def test_a_body_that_is_seen_in_slices_asks_for_what_it_asks_for_as_a_whole(values):
    """Bodies in bodies, so that the keys stand at all places of a slice and at all depths."""
    inner = b",".join(b'"%d":%b' % (number, value) for number, value in enumerate(values))
    for body in (
        b"{%b}" % inner,
        b'{%b,"model":"\\u0061\\"","stream":true}' % inner,
        b'{"stream":true,"model":null,%b,"str\\u0065am" : "x"}' % inner,
    ):
        seen, whole = asked(body, outline(body)), decode(body)
        assert (seen.model, seen.stream) == (whole.model, whole.stream is True)
        assert with_model(body, "tag", outline(body)) == with_model(body, "tag")


def test_every_one_of_several_models_is_replaced():
    body = b'{"model": "a", "x": [{"model": "b"}], "model":"c"}'
    assert with_model(body, "t") == b'{"model": "t", "x": [{"model": "b"}], "model":"t"}'
    assert [body[start:end] for start, end in outline(body).models] == [b'"a"', b'"c"']


def test_a_stream_is_asked_for_by_true_alone():
    assert [decode(text).stream for text in (b'{"stream": true}', b"{}", b'{"stream": 1}')] == [True, None, 1]


BOUNDARY = re.compile(rb"\r\n--b0undary[\r -]")
PARTS = st.lists(
    st.tuples(
        st.sampled_from(("model", "stream", "file", "language")),
        (
            st.binary(max_size=40)
            | st.sampled_from(
                (b"\r\n--b0undar", b"\r\n--b0undary0", b"\r\n--b0undaryX\r\n\r\n", b"\r\n", b"--b0undary")
            )
        ).filter(lambda value: not BOUNDARY.search(value + b"\r\n")),
    ),
    max_size=5,
)


def cut(body, sizes):
    parts, segments, at = Parts(b"b0undary"), [], 0
    for size in [*sizes, len(body)]:
        segments += parts.feed(body[at : at + size])
        at += size
    return segments + parts.end()


def joined(segments, closing=lambda _closing: b""):
    return b"".join(s.value if isinstance(s, Field) else closing(s) if isinstance(s, Closing) else s for s in segments)


@given(PARTS, st.lists(st.integers(1, 30), max_size=30), st.sampled_from((b"", b"preamble\r\n", b"\r\n")))
def test_cuts_of_a_body_are_the_body_and_its_fields_wherever_it_is_cut(parts, sizes, preamble):
    body = preamble + form(*parts)
    segments = cut(body, sizes)
    assert joined(segments) == body
    fields = [(s.name, s.value) for s in segments if isinstance(s, Field)]
    assert fields == [part for part in parts if part[0] in ("model", "stream")]


@given(st.binary(max_size=200), st.lists(st.integers(1, 30), max_size=10))
def test_what_is_no_multipart_goes_through_as_it_is(body, sizes):
    assert joined(cut(body, sizes)) == body


@given(PARTS, st.lists(st.integers(1, 30), max_size=30), st.sampled_from((b"", b"preamble\r\n", b"\r\n")))
def test_one_more_part_before_the_end_is_a_body_with_one_more_part_wherever_it_is_cut(parts, sizes, preamble):
    segments = cut(preamble + form(*parts), sizes)
    made = joined(segments, lambda closing: closing.part("model", "qwen3:4b"))
    assert made == preamble + form(*parts, ("model", b"qwen3:4b"))


@pytest.mark.parametrize(
    "body",
    [form(("model", b"x" * 2000)), form(("model", b"x"))[:-10], b"--b0undary\r\nX: " + b"a" * 20_000],
    ids=["a long value", "no end", "a long head"],
)
def test_a_model_that_cannot_be_read_is_refused(body):
    with pytest.raises(Refused):
        cut(body, [])


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('Multipart/Form-Data; charset=utf-8; boundary="a b"', b"a b"),
        ("multipart/form-data;boundary=----x; charset=utf-8", b"----x"),
    ],
)
def test_the_boundary_of_a_content_type(kind, found):
    assert boundary(kind) == found
