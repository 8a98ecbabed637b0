"""A home is the place it was said to be in, whatever lies behind that place."""

import pytest

from hal0_operator.home.identity import home_id, normal


@pytest.mark.parametrize(
    "same", ["/etc/hal0", "/etc/hal0/", "/etc//hal0", "//etc/hal0", "/etc/./hal0", "/etc/x/../hal0"]
)
def test_spellings_of_one_path_are_one_home(same: str) -> None:
    assert normal(same) == "/etc/hal0"
    assert home_id(same) == home_id("/etc/hal0")


def test_two_paths_are_two_homes_and_an_id_has_sixteen_hex_digits() -> None:
    assert home_id("/etc/hal0") != home_id("/etc/hal1")
    assert len(home_id("/etc/hal0")) == 16 and int(home_id("/etc/hal0"), 16)


def test_the_settings_decide_when_they_name_an_id() -> None:
    assert home_id("/anywhere", "lab") == "lab"


def test_the_id_of_a_path_never_moves() -> None:
    assert home_id("/etc/hal0") == "9a0cf16320e84b33"


def test_a_url_is_taken_as_it_is() -> None:
    assert normal("https://git.example/a/../b") == "https://git.example/a/../b"
