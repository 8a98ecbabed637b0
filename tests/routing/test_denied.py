"""Slots that were never admitted: who asks for one is told why, and nobody is sent to one."""

import pytest

from hal0_operator.routing.directory import Listing
from hal0_operator.routing.failure import Failure
from tests.routing.homes import CHAT, EMBED, HEAR, SPEAK, Home, npu, slot


def unread(name: str) -> Listing:
    """A slot whose file cannot be read."""
    return slot(name, None, device="cpu", denied=f"slot.toml slots/{name}.toml:1:10: the text is not closed")


@pytest.mark.parametrize("path", [CHAT, EMBED, HEAR, SPEAK])
@pytest.mark.parametrize("model", ["bad", "hal0/bad"])
def test_a_slot_whose_file_cannot_be_read_says_what_is_wrong_with_it_at_every_path(path: str, model: str) -> None:
    home = Home(slot("chat"), unread("bad")).stand("bad", "Denied", why=unread("bad").denied)
    found = home.ask(path, model)
    assert isinstance(found, Failure)
    assert (found.status, found.code, found.retry_s) == (503, "slot.denied", None)
    assert found.details["reason"] == unread("bad").denied
    assert "slots/bad.toml:1:10" in found.message


def test_a_slot_whose_file_cannot_be_read_is_asked_for_nothing_even_while_it_runs() -> None:
    found = Home(unread("bad")).ask(model="bad")
    assert isinstance(found, Failure)
    assert (found.status, found.code) == (503, "slot.denied")
    assert "slots/bad.toml:1:10" in found.message


def test_a_record_that_was_never_admitted_is_denied_whatever_the_npu_does() -> None:
    home = Home(npu("brain"), npu("ears", "transcription", denied="npu.exclusive slots/ears.toml: no"))
    home.stand("ears", "Denied", why="npu.exclusive slots/ears.toml: no")
    assert home.goes(HEAR, "ears") == "503 slot.denied"


def test_a_denied_slot_is_taken_without_a_model_only_where_it_is_the_usual_one_or_the_only_one() -> None:
    denied = slot("x", denied="a reason")
    assert Home(denied, slot("y")).goes() == "y"
    assert Home(denied, slot("y"), slot("z")).goes() == "400 request.invalid"
    assert Home(denied).stand("x", "Denied").goes() == "503 slot.denied"
    assert Home(unread("bad"), slot("y")).goes() == "y"
    assert Home(unread("chat"), slot("y")).goes() == "503 slot.denied"
    assert Home(slot("b", model="m", denied="a reason"), slot("c", model="m")).goes(model="m") == "c"


def test_when_no_slot_can_be_asked_it_is_said_of_each_why() -> None:
    home = Home(unread("bad"), slot("x", denied="a reason"), slot("y", enabled=False), slot("e", "embedding"))
    for model in (None, "nothing-like-it"):
        found = home.ask(model=model)
        assert isinstance(found, Failure)
        assert (found.status, found.code) == (404, "slot.unknown")
        assert "slot bad is denied: slot.toml slots/bad.toml:1:10" in found.message
        assert "slot x is denied: a reason; slot y is off" in found.message
        assert "slot e" not in found.message


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        ("cods", "did you mean code?"),
        ("bad1", "did you mean bad? It is denied: slot.toml slots/bad.toml:1:10"),
        ("offs", "did you mean off? It is off"),
        ("qwem", "did you mean qwen?"),
        ("denied-modem", "did you mean denied-model? It is denied: a reason"),
        ("nothing-like-it", "there are: code"),
        ("bge-small", "there are: code"),
    ],
)
def test_what_is_suggested_can_be_asked_for_or_is_said_to_be_wrong(model: str, hint: str) -> None:
    home = Home(
        slot("code", model="qwen"),
        slot("cod", denied="a reason", model="qwen"),
        slot("x", denied="a reason", model="denied-model"),
        slot("off", enabled=False),
        slot("embed", "embedding", model="bge-small-en"),
        unread("bad"),
    )
    found = home.ask(model=model)
    assert isinstance(found, Failure)
    assert found.message.startswith(f"no slot serves the model that was asked for: {hint}")
