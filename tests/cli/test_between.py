"""``plan --from A --to B``: two homes compared by their files alone, in any checkout."""

import json
import subprocess
from pathlib import Path

import pytest

SLOT = 'device = "gpu-rocm"\nport = {port}\n[model]\ndefault = "{model}"\n'


class Checkout:
    """A real git repository whose home lies in ``homes/lab``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "homes" / "lab"
        (self.home / "slots").mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        done = subprocess.run(("git", "-C", self.root, *identity, *words), check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, **slots: str | None) -> str:
        for name, text in slots.items():
            file = self.home / "slots" / f"{name}.toml"
            file.unlink() if text is None else file.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "a change")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    here = Checkout(tmp_path / "repository")
    here.commit(chat=SLOT.format(port=8101, model="one"), code=SLOT.format(port=8102, model="one"))
    return here


@pytest.fixture
def changed(checkout: Checkout) -> Checkout:
    """A revision that adds, swaps and removes one each."""
    new = SLOT.format(port=8103, model="one")
    checkout.commit(chat=SLOT.format(port=8101, model="two"), code=None, extra=new)
    return checkout


def test_it_tells_what_is_created_swapped_and_removed(hal0ctl, changed) -> None:
    ran = hal0ctl("plan", str(changed.home), "--from", "HEAD~1", "--to", "HEAD")
    assert ran.code == 3
    lines = ran.out.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == ["swap chat", "unload code", "load extra"]
    assert "    model: one → two" in lines


def test_two_folders_need_no_git(hal0ctl, tmp_path) -> None:
    for name, model in (("a", "one"), ("b", "two")):
        (tmp_path / name / "slots").mkdir(parents=True)
        (tmp_path / name / "slots" / "chat.toml").write_text(SLOT.format(port=8101, model=model))
    ran = hal0ctl("plan", "--from", str(tmp_path / "a"), "--to", str(tmp_path / "b"))
    assert (ran.code, ran.out.splitlines()[0]) == (3, "swap chat")


def test_without_to_it_is_the_home_as_it_is(hal0ctl, checkout) -> None:
    assert hal0ctl("plan", str(checkout.home), "--from", "main").code == 0
    (checkout.home / "slots" / "code.toml").unlink()
    ran = hal0ctl("plan", str(checkout.home), "--from", "main")
    assert (ran.code, ran.out) == (3, "unload code\n")


def test_a_revision_that_would_be_refused_says_where(hal0ctl, checkout) -> None:
    checkout.commit(chat="device = \n")
    ran = hal0ctl("plan", str(checkout.home), "--from", "HEAD~1", "--to", "HEAD")
    assert ran.code == 1
    assert ran.err.startswith("slots/chat.toml:1:10: slot.schema: ")


def test_json_has_the_actions_and_what_is_denied(hal0ctl, changed) -> None:
    body = json.loads(hal0ctl("plan", str(changed.home), "--from", "HEAD~1", "--to", "HEAD", "-o", "json").out)
    assert [(a["slot"], a["verb"]) for a in body["actions"]][-1] == ("extra", "create")
    assert body["denied"] == []


def test_markdown_is_for_a_merge_request(hal0ctl, changed) -> None:
    ran = hal0ctl("plan", str(changed.home), "--from", "HEAD~1", "--to", "HEAD", "-o", "markdown")
    assert ran.code == 3
    assert ran.out.startswith("### hal0ctl plan: `HEAD~1` → `HEAD`\n\n```diff\n! swap chat\n")
    assert "\n- unload code\n+ load extra\n```\n" in ran.out


def test_markdown_cannot_be_broken_out_of(hal0ctl, checkout) -> None:
    checkout.commit(chat=SLOT.format(port=8101, model="```x\\n# boo"))
    ran = hal0ctl("plan", str(checkout.home), "--from", "HEAD~1", "--to", "HEAD", "-o", "markdown")
    assert ran.out.count("```") == 2
    assert "\n# boo" not in ran.out


def test_an_unknown_revision_and_an_option_in_its_place_are_refused(hal0ctl, checkout) -> None:
    for word in ("nonesuch", "--upload-pack=x", "HEAD:homes"):
        ran = hal0ctl("plan", str(checkout.home), f"--from={word}")
        assert (ran.code, "neither a folder nor a revision" in ran.err) == (1, True)


def test_a_link_in_a_revision_is_refused_and_its_target_never_read(hal0ctl, checkout) -> None:
    (checkout.home / "slots" / "spy.toml").symlink_to("/etc/passwd")
    checkout.commit()
    ran = hal0ctl("plan", str(checkout.home), "--from", "HEAD~1", "--to", "HEAD")
    assert ran.code == 1
    assert "slots/spy.toml" in ran.err
    assert "root:" not in ran.out + ran.err


def test_no_program_of_the_repository_is_run(hal0ctl, changed, tmp_path) -> None:
    trace = tmp_path / "trace"
    evil = tmp_path / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {trace}\n")
    evil.chmod(0o755)
    for key in ("core.fsmonitor", "diff.external", "filter.x.smudge", "core.sshCommand", "core.pager"):
        changed.git("config", key, str(evil))
    (changed.root / ".gitattributes").write_text("*.toml filter=x diff=x\n")
    ran = hal0ctl("plan", str(changed.home), "--from", "HEAD~1", "--to", "HEAD")
    assert ran.code == 3
    assert not trace.exists()


def test_a_hooks_own_variables_name_no_other_repository(hal0ctl, changed, monkeypatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nonesuch")
    assert hal0ctl("plan", str(changed.home), "--from", "HEAD~1", "--to", "HEAD").code == 3


@pytest.mark.parametrize("words", [("--to", "HEAD"), ("-o", "markdown")])
def test_to_and_markdown_go_with_from(hal0ctl, checkout, words) -> None:
    ran = hal0ctl("plan", str(checkout.home), *words)
    assert (ran.code, "go with --from" in ran.err) == (2, True)
