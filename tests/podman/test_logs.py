"""Log output is framed by stream; lines come whole, whichever way the bytes are cut."""

from hypothesis import given
from hypothesis import strategies as st

from hal0_operator.podman.logs import LINE, lines


def frame(stream: int, text: bytes) -> bytes:
    return bytes((stream, 0, 0, 0)) + len(text).to_bytes(4) + text


def test_lines_of_both_streams() -> None:
    data = frame(1, b"one\n") + frame(2, b"two\n") + frame(1, b"three\nfour\n")
    assert list(lines([data])) == ["one", "two", "three", "four"]


def test_a_line_in_pieces_is_joined_per_stream() -> None:
    data = frame(1, b"half ") + frame(2, b"err\n") + frame(1, b"whole\n")
    assert list(lines([data])) == ["err", "half whole"]


def test_an_unfinished_line_comes_at_the_end() -> None:
    assert list(lines([frame(1, b"done\nnot don")])) == ["done", "not don"]


def test_empty_lines_stay_and_bad_text_is_replaced() -> None:
    assert list(lines([frame(1, b"\na\r\n\xff\n")])) == ["", "a", "�"]


def test_a_line_without_an_end_is_broken_and_not_hoarded() -> None:
    found = list(lines([frame(1, b"x" * (3 * LINE + 5))]))
    assert [len(line) for line in found] == [LINE, LINE, LINE, 5]


def test_a_frame_that_is_cut_off_gives_what_came() -> None:
    assert list(lines([frame(1, b"whole\npart")[:-2]])) == ["whole", "pa"]
    assert list(lines([b"\1\0\0"])) == []


@given(st.lists(st.tuples(st.sampled_from((1, 2)), st.binary(max_size=20)), max_size=6), st.integers(1, 9))
def test_how_the_bytes_are_cut_changes_nothing(frames: list[tuple[int, bytes]], size: int) -> None:
    data = b"".join(frame(stream, text) for stream, text in frames)
    cut = [data[at : at + size] for at in range(0, len(data), size)]
    assert list(lines(cut)) == list(lines([data]))
