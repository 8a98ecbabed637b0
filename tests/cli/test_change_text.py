"""What a wish came to, in words: one for each slot, and what a person has left to do."""

import pytest

from hal0_operator.cli import change_text

FILE = {"file": "slots/chat.toml", "change": "changed", "diff": "--- a/x\n+++ b/x\n-a\n+\x1b[2Jb"}
BODY = {
    "committed": True,
    "dryRun": False,
    "files": [FILE],
    "actions": [],
    "held": [],
    "problems": [],
    "byHand": [],
    "overlaid": [],
    "unfinished": "",
    "generation": "g",
}


def action(slot, verb, *diff, reason="why"):
    return {"slot": slot, "verb": verb, "reason": reason, "diff": [dict(zip(("field", "from", "to"), d)) for d in diff]}


@pytest.mark.parametrize(
    ("steps", "lines"),
    [
        ([action("chat", "create"), action("chat", "start")], ["load chat"]),
        ([action("chat", "stop"), action("chat", "remove")], ["unload chat"]),
        (
            [action("chat", "remove", ("model", "a", "b"), ("port", "", "1")), action("chat", "create")],
            ["swap chat", "    model: a → b", "    port: nothing → 1"],
        ),
        (
            [action("chat", "pull", reason="image x is not here"), action("chat", "create")],
            ["pull: image x is not here", "load chat"],
        ),
        ([action("chat", "pull", reason="image x is not here")], ["pull: image x is not here"]),
        ([action("chat", "start")], ["start chat"]),
    ],
)
def test_the_steps_for_one_slot_are_one_word(steps, lines):
    assert change_text.actions(BODY | {"actions": steps}) == lines


def test_a_change_of_no_file_lists_no_actions_of_others():
    assert change_text.actions(BODY | {"files": [], "actions": [action("chat", "start")]}) == []


def test_what_is_left_to_a_person_is_on_stderr(capsys):
    body = BODY | {
        "byHand": ["slots/tts.toml: a layout that cannot be edited"],
        "overlaid": ["slots/chat.toml"],
        "unfinished": "slots/chat.toml: committed, not yet applied",
    }
    change_text.show(body)
    out, err = capsys.readouterr()
    assert out == "--- a/x\n+++ b/x\n-a\n+\\x1b[2Jb\n"
    assert err.splitlines() == [
        "by hand: slots/tts.toml: a layout that cannot be edited",
        "slots/chat.toml was saved meanwhile: the newer save was kept; repeat it if you still want it",
        "slots/chat.toml: committed, not yet applied",
    ]


def test_a_problem_without_an_address_is_named_by_its_key():
    one = {"file": "", "line": None, "column": None, "path": "model.context_size", "code": "slot.schema"}
    one |= {"message": "too small", "hint": ""}
    other = one | {
        "file": "slots/a.toml",
        "line": 3,
        "column": 8,
        "path": "port",
        "message": "taken",
        "hint": "another",
    }
    assert change_text.refusal("slot.schema", "too small", [one]) == "slot.schema: too small\n  at model.context_size"
    assert change_text.refusal("slot.schema", "no", [one, other]).splitlines() == [
        "slot.schema: no",
        "  model.context_size: slot.schema: too small",
        "  slots/a.toml:3:8, port: slot.schema: taken",
        "    hint: another",
    ]
