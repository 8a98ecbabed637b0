"""``validate --git``: links for which the operator refuses a revision are errors at their paths."""

import json
import os

import pytest

from tests.support.checkouts import SLOT

NOTHING = "is a link to nothing in the home"
CIRCLE = "is a link that leads in a circle"
LEAVES = "is a link that leaves the home"


def told(hal0ctl, home, *words):
    ran = hal0ctl("validate", str(home), *words, "-o", "json")
    return ran.code, [(p["file"], p["message"].partition(":")[0].partition(";")[0]) for p in _problems(ran)]


def _problems(ran):
    return json.loads(ran.out)["problems"]


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("nowhere.toml", NOTHING),
        ("chat.toml/x", NOTHING),
        ("dead.toml", CIRCLE),
        ("../../outside.toml", LEAVES),
        ("/etc/passwd", LEAVES),
        ("{home}/slots/chat.toml", "is a link with an absolute target, which leaves a checkout"),
    ],
)
def test_a_link_that_the_operator_refuses_is_an_error_with_its_path(hal0ctl, home, target, why) -> None:
    (home.parent / "outside.toml").write_text(SLOT.format(port=8109, model="secret"))
    (home / "slots" / "dead.toml").symlink_to(target.format(home=home))
    assert told(hal0ctl, home, "--git") == (1, [("slots/dead.toml", why)])


@pytest.mark.parametrize("name", ["profiles.toml", "capabilities.toml", "slots"])
def test_the_other_names_of_a_home_are_looked_at_too(hal0ctl, tmp_path, name) -> None:
    (tmp_path / name).symlink_to("nowhere")
    assert told(hal0ctl, tmp_path, "--git") == (1, [(name, NOTHING)])


def test_a_link_that_is_named_so_that_it_counts_for_nothing_is_passed_over(hal0ctl, home) -> None:
    (home / "slots" / ".#chat.toml").symlink_to("me@here.1234")
    (home / "notes").symlink_to("nowhere")
    assert told(hal0ctl, home, "--git") == (0, [])


def test_a_link_that_stays_inside_is_fine(hal0ctl, home) -> None:
    (home / "slots").rename(home / "shared")
    (home / "slots").symlink_to("shared")
    (home / "inc.toml").write_text(SLOT.format(port=8102, model="one"))
    (home / "shared" / "code.toml").symlink_to("../inc.toml")
    assert told(hal0ctl, home, "--git") == (0, [])


def test_a_home_that_is_a_folder_passes_over_what_an_editor_leaves(hal0ctl, home) -> None:
    (home / "slots" / "dead.toml").symlink_to("nowhere.toml")
    assert told(hal0ctl, home) == (0, [])


@pytest.mark.parametrize(("target", "why"), [("nowhere.toml", NOTHING), ("spy.toml", CIRCLE), ("/etc/passwd", LEAVES)])
def test_the_operators_own_reading_of_the_revision_says_the_same(hal0ctl, checkout, target, why) -> None:
    os.symlink(target, checkout.home / "slots" / "spy.toml")
    checkout.commit()
    ran = hal0ctl("plan", str(checkout.home), "--from", "HEAD~1", "--to", "HEAD")
    assert (ran.code, f"`slots/spy.toml` {why}" in ran.err) == (1, True)
    assert told(hal0ctl, checkout.home, "--git") == (1, [("slots/spy.toml", why)])
