"""A plan between revisions takes of each what the operator would: the same files, links and refusals."""

import json
import os

import pytest

from tests.support.checkouts import SLOT


def plan(hal0ctl, home, form="human"):
    return hal0ctl("plan", str(home), "--from", "HEAD~1", "--to", "HEAD", "-o", form)


def test_a_folder_and_a_file_may_be_moved_and_linked_inside_the_home(hal0ctl, checkout) -> None:
    (checkout.home / "slots").rename(checkout.home / "shared")
    (checkout.home / "slots").symlink_to("shared")
    (checkout.home / "inc").mkdir()
    (checkout.home / "shared" / "code.toml").rename(checkout.home / "inc" / "code.toml")
    (checkout.home / "shared" / "code.toml").symlink_to("../inc/code.toml")
    checkout.commit()
    ran = plan(hal0ctl, checkout.home)
    assert (ran.code, ran.out, ran.err) == (0, "nothing to do\n", "")
    assert hal0ctl("plan", str(checkout.home), "--from", "HEAD").out == "nothing to do\n"


def test_what_a_link_leads_to_counts(hal0ctl, checkout) -> None:
    (checkout.home / "inc").mkdir()
    (checkout.home / "inc" / "code.toml").write_text(SLOT.format(port=8102, model="two"))
    (checkout.home / "slots" / "code.toml").unlink()
    (checkout.home / "slots" / "code.toml").symlink_to("../inc/code.toml")
    checkout.commit()
    ran = plan(hal0ctl, checkout.home)
    assert (ran.code, ran.out) == (3, "swap code\n    model: one → two\n")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/etc/passwd", "is a link that leaves the home"),
        ("../../../outside.toml", "is a link that leaves the home"),
        ("nonesuch.toml", "is a link to nothing in the home"),
        ("spy.toml", "is a link that leads in a circle"),
    ],
)
def test_a_link_that_the_operator_refuses_refuses_the_revision(hal0ctl, checkout, target, said) -> None:
    (checkout.root / "outside.toml").write_text("secret = 1\n")
    (checkout.home / "slots" / "spy.toml").symlink_to(target)
    checkout.commit()
    ran = plan(hal0ctl, checkout.home)
    assert (ran.code, ran.out) == (1, "")
    assert f"`slots/spy.toml` {said}" in ran.err
    assert "root:" not in ran.err
    assert "secret" not in ran.err
    ran = plan(hal0ctl, checkout.home, "markdown")
    assert ran.code == 1
    assert "**This revision is refused as a whole.**" in ran.out
    assert "No container is" not in ran.out
    body = json.loads(plan(hal0ctl, checkout.home, "json").out)
    assert (body["actions"], len(body["denied"])) == ([], 1)


def test_a_home_that_becomes_a_link_is_refused_as_the_operator_does(hal0ctl, checkout) -> None:
    checkout.home.rename(checkout.root / "homes" / "decoy")
    checkout.home.symlink_to("decoy")
    checkout.commit()
    ran = plan(hal0ctl, checkout.home)
    assert (ran.code, "`homes/lab` is a link: name the folder that it leads to" in ran.err) == (1, True)


def test_a_home_that_goes_is_refused_and_nothing_counts_as_unloaded(hal0ctl, checkout) -> None:
    checkout.git("rm", "-q", "-r", "homes/lab")
    checkout.commit()
    ran = plan(hal0ctl, checkout.home)
    assert (ran.code, ran.out) == (1, "")
    assert "`homes` is not there" in ran.err


def test_what_has_no_effect_is_told(hal0ctl, changed) -> None:
    (changed.home / ".gitattributes").write_text("*.toml filter=x\n")
    changed.commit()
    ran = plan(hal0ctl, changed.home)
    assert (ran.code, ran.out) == (0, "nothing to do\n")
    assert "HEAD: `homes/lab/.gitattributes` asks for filters: none is run" in ran.err


def test_bounds_are_those_of_the_operator(hal0ctl, checkout) -> None:
    (checkout.home / "slots" / "big.toml").write_text("#" * 300_000)
    checkout.commit()
    ran = plan(hal0ctl, checkout.home)
    assert (ran.code, "`slots/big.toml` has 300000 bytes" in ran.err) == (1, True)


def test_a_name_of_any_bytes_is_taken_as_it_is(hal0ctl, checkout) -> None:
    name = os.fsencode(checkout.home / "slots") + b"/f\xff.toml"
    with open(name, "wb") as file:
        file.write(SLOT.format(port=8109, model="one").encode())
    checkout.commit()
    ran = plan(hal0ctl, checkout.home)
    assert (ran.code, "slots/f\\udcff.toml" in ran.err) == (1, True)
