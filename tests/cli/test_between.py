"""``plan --from A --to B``: two homes compared by their files alone, in any checkout."""

import json

import pytest

from tests.support.checkouts import SLOT


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
    assert ran.out == ""


@pytest.mark.parametrize("form", ["human", "json", "markdown"])
def test_of_a_revision_that_is_refused_no_row_is_told(hal0ctl, checkout, form) -> None:
    checkout.commit(chat=None, code="device = \n")
    ran = hal0ctl("plan", str(checkout.home), "--from", "HEAD~1", "--to", "HEAD", "-o", form)
    assert ran.code == 1
    assert "chat" not in ran.out


HELD = "the slots folder is missing: nothing is removed (chat, code); `hal0ctl resume --prune` approves it"


def test_removals_that_the_operator_would_hold_are_told_as_held(hal0ctl, checkout) -> None:
    checkout.git("mv", "homes/lab/slots", "homes/lab/slotz")
    checkout.commit()
    words = ("plan", str(checkout.home), "--from", "HEAD~1", "--to", "HEAD", "-o")
    ran = hal0ctl(*words, "human")
    assert (ran.code, ran.err) == (3, "")
    assert ran.out.splitlines() == [f"held {name}: PruneHeld: {HELD}" for name in ("chat", "code")]
    body = json.loads(hal0ctl(*words, "json").out)
    assert (body["actions"], body["denied"]) == ([], [])
    assert body["held"] == [{"slot": name, "reason": "PruneHeld", "message": HELD} for name in ("chat", "code")]
    told = hal0ctl(*words, "markdown").out
    assert "**Its removals are held, and all of it with them, until a person approves.**" in told
    assert f"  held chat: PruneHeld: {HELD}" in told
    assert "unload" not in told


def test_the_rest_of_a_revision_waits_for_its_removals(hal0ctl, checkout) -> None:
    new = SLOT.format(port=8109, model="one")
    checkout.commit(chat=None, code=None, extra=new)
    ran = hal0ctl("plan", str(checkout.home), "--from", "HEAD~1", "--to", "HEAD")
    assert ran.code == 3
    rows = [line.split(": ", 2) for line in ran.out.splitlines()]
    assert [row[0] for row in rows] == ["held chat", "held code", "held extra"]
    assert rows[-1][2] == "waits for the revision, whose removals are held: chat, code"


def test_slots_that_were_off_do_not_count_for_the_guard(hal0ctl, checkout) -> None:
    off = "enabled = false\n" + SLOT.format(port=8101, model="one")
    on = SLOT.format(port=8104, model="one")
    checkout.commit(chat=off, code=off.replace("8101", "8102"), extra=off.replace("8101", "8103"), util=on)
    checkout.commit(chat=None, code=None, extra=None)
    ran = hal0ctl("plan", str(checkout.home), "--from", "HEAD~1", "--to", "HEAD")
    assert (ran.code, ran.out) == (0, "nothing to do\n")


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
    checkout.commit(chat=SLOT.format(port=8101, model="one") + '[server]\nenv = { A = "```x\\n# boo" }\n')
    ran = hal0ctl("plan", str(checkout.home), "--from", "HEAD~1", "--to", "HEAD", "-o", "markdown")
    assert ran.out.count("```") == 2
    assert "\n# boo" not in ran.out


def test_a_hooks_own_variables_name_no_other_repository(hal0ctl, changed, monkeypatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nonesuch")
    assert hal0ctl("plan", str(changed.home), "--from", "HEAD~1", "--to", "HEAD").code == 3


@pytest.mark.parametrize("words", [("--to", "HEAD"), ("-o", "markdown")])
def test_to_and_markdown_go_with_from(hal0ctl, checkout, words) -> None:
    ran = hal0ctl("plan", str(checkout.home), *words)
    assert (ran.code, "go with --from" in ran.err) == (2, True)


@pytest.mark.parametrize("words", [("--from", ""), ("--from", "HEAD", "--to", "")])
def test_a_word_that_is_empty_is_no_home_as_it_is(hal0ctl, checkout, words) -> None:
    ran = hal0ctl("plan", str(checkout.home), *words)
    assert (ran.code, "one of them is empty" in ran.err) == (2, True)


def test_a_folder_that_is_not_there_is_a_clear_failure(hal0ctl, tmp_path) -> None:
    ran = hal0ctl("plan", str(tmp_path), "--from", f"{tmp_path}/nonesuch")
    assert (ran.code, ran.err) == (1, f"hal0ctl: {tmp_path}/nonesuch: there is no such folder\n")
