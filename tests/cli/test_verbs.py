"""What the verbs ask of a running operator, and what they print."""

import json

import pytest

from hal0_operator.loop.view import Refused
from hal0_operator.model.status import FieldDiff
from tests.support.fake_operator import NOW, changed, condition, event, problem, slot

HOSTILE = "\x1b[2J\u202eevil\nname"


def test_get_slots_is_a_table(hal0ctl, live):
    assert hal0ctl("get", "slots") == (
        0,
        "NAME  PHASE      TYPE  DEVICE    PROFILE  MODEL       PORT  RESTARTS  WHY\n"
        "chat  Ready      llm   gpu-rocm  rocm     some-model  8081  0         -\n"
        "code  CrashLoop  llm   gpu-rocm  rocm     some-model  8082  3         exited 1, retry soon\n",
        "",
    )


def test_wide_adds_columns(hal0ctl, live):
    header, chat, _ = hal0ctl("get", "slots", "-o", "wide").out.splitlines()
    assert (
        header.split()
        == (
            "NAME PHASE TYPE DEVICE PROFILE MODEL PORT RESTARTS BACKEND GENERATION OBSERVED CONTAINER IMAGE STARTED RETRY WHY"
        ).split()
    )
    assert "c0ffeec0ffee  localhost/stub:1  " + NOW in chat


def test_json_is_the_apis_own(hal0ctl, live):
    body = json.loads(hal0ctl("get", "slots", "-o", "json").out)
    assert [item["observedGeneration"] for item in body["items"]] == ["1111111111111111"] * 2


def test_one_slot_can_be_asked_for(hal0ctl, live):
    assert [item["name"] for item in json.loads(hal0ctl("get", "slots", "code", "-o", "json").out)["items"]] == ["code"]
    ran = hal0ctl("get", "slots", "cod")
    assert (ran.code, ran.err) == (1, "hal0ctl: no slot 'cod', did you mean 'code'?\n")


def test_names_alone_are_for_scripts(hal0ctl, live):
    assert hal0ctl("get", "slots", "-o", "name").out == "chat\ncode\n"


def test_no_slots_is_said_on_stderr(hal0ctl, live):
    live.operator.listed = {}
    assert hal0ctl("get", "slots") == (0, "", "no slots\n")


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"blocked_on": "port 8081 is held by python"}, "port 8081 is held by python"),
        (
            {"conditions": (condition("Admitted", "False", "DeviceUnknown", "device.unknown: no"),)},
            "device.unknown: no",
        ),
        ({"conditions": (condition("RolledBack", message="the last good one serves"),)}, "the last good one serves"),
        ({"conditions": (condition("Stalled", reason="CrashLoop"),)}, "CrashLoop"),
        ({"diff": (FieldDiff("port", "8081", "8082"),)}, "port: 8081 → 8082"),
        ({"conditions": (condition("Ready", "False", "Probing", "503 so far"),)}, "503 so far"),
        (
            {"conditions": (condition("Ready", "False", "Idle", "loaded on demand"),)},
            f"loaded on demand; idle since {NOW}",
        ),
        ({}, "-"),
    ],
)
def test_why_is_the_first_thing_worth_knowing(hal0ctl, live, fields, shown):
    live.operator.listed = {"chat": slot("chat", **fields)}
    ran = hal0ctl("get", "slots")
    assert ran.code == 0, ran
    row = ran.out.splitlines()[1]
    assert row.endswith(f"8081  0         {shown}")


def test_get_profiles_shows_what_follows_from_each(hal0ctl, live):
    assert hal0ctl("get", "profiles").out == (
        "NAME  FAMILY        CLASS  BACKEND  MTP  SEED  SERVES                   BENCH       USED BY\n"
        "rocm  llama-server  gpu    rocm     yes  yes   llm,embedding,reranking  52.8 tok/s  chat,code\n"
        "tts   kokoro        cpu    -        no   no    tts                      -           -\n"
    )
    assert "--model_path /mnt/ai-models/kokoro" in hal0ctl("get", "profiles", "tts", "-o", "wide").out


def test_get_source_and_capabilities(hal0ctl, live):
    live.operator.found = (problem(),)
    out = hal0ctl("get", "source").out
    assert out.startswith("SOURCE       directory\nurl          /srv/home\n")
    assert "\nslots/chat.toml:2:10: error device.unknown: " in out
    assert hal0ctl("get", "capabilities").out.splitlines()[1].split() == [
        "voice.stt",
        "yes",
        "npu",
        "-",
        "stt",
        "Ready",
    ]
    assert json.loads(hal0ctl("get", "source", "-o", "json").out)["kind"] == "directory"


def test_events_are_a_table_and_can_be_of_one_slot(hal0ctl, live):
    live.operator.past = [event("up"), event("down", slot="code", type="Warning", reason="Exited", count=2)]
    assert hal0ctl("events").out.splitlines()[2].split(maxsplit=5) == [NOW, "Warning", "Exited", "code", "2", "down"]
    assert hal0ctl("get", "events", "chat").out.count("\n") == 2
    assert json.loads(hal0ctl("events", "code", "-o", "json").out)["items"][0]["message"] == "down"


def test_describe_shows_all_there_is(hal0ctl, live):
    live.operator.put = None
    live.operator.listed["chat"] = changed(
        live.operator.listed["chat"],
        blocked_on="the model file",
        last_exit="exit 1: error: unknown flag --x (profile rocm)",
        diff=(FieldDiff("port", "8081", "8082"),),
    )
    live.operator.extra = {
        "argv": (("--ctx-size 4096", "slot"), ("-fa on", "profile rocm")),
        "problems": (problem(),),
        "last_exit_lines": ("loading", "error: unknown flag --x"),
        "suspended_by": "anna",
        "events": (event("up"),),
    }
    out = hal0ctl("describe", "chat").out
    for part in (
        "Name:          chat\nPhase:         Ready\nWaits for:     the model file\n",
        "Suspended by:  anna\n",
        "Last exit:     exit 1: error: unknown flag --x (profile rocm)\n",
        "Container:     hal0-chat c0ffeec0ffee of localhost/stub:1\n",
        "\nConditions:\n  CONDITION    STATUS  REASON",
        "\nPending change:\n  port: 8081 → 8082\n",
        "\nCommand line:\n  FLAG             FROM\n  --ctx-size 4096  slot\n  -fa on           profile rocm\n",
        "\nProblems:\n  slots/chat.toml:2:10: error device.unknown: `gpu-rcom` is no device\n    hint: did you mean",
        "\nLast lines before it ended:\n  loading\n  error: unknown flag --x\n",
        "\nEvents:\n  TIME ",
    ):
        assert part in out


def test_describe_leaves_empty_sections_out(hal0ctl, live):
    out = hal0ctl("describe", "code").out
    assert "Command line" not in out
    assert "Events" not in out


def test_an_unknown_slot_is_the_operators_word(hal0ctl, live):
    assert hal0ctl("describe", "nope") == (1, "", "hal0ctl: no slot 'nope'\n")
    assert hal0ctl("describe", "a/../b").err == "hal0ctl: no slot 'a/../b': names are like chat or embed-rerank\n"


@pytest.mark.parametrize("words", [["get", "slots"], ["get", "slots", "-o", "wide"], ["describe", "chat"], ["events"]])
def test_hostile_text_moves_no_cursor(hal0ctl, live, words):
    live.operator.listed = {
        "chat": slot(
            "chat", model=HOSTILE, blocked_on=HOSTILE, last_exit=HOSTILE, conditions=(condition("X", message=HOSTILE),)
        )
    }
    live.operator.extra = {"last_exit_lines": (HOSTILE,), "argv": ((HOSTILE, HOSTILE),), "suspended_by": HOSTILE}
    live.operator.past = [event(HOSTILE, reason=HOSTILE)]
    out = hal0ctl(*words).out
    assert "evil" in out
    assert not [c for c in out if (ord(c) < 32 and c != "\n") or c == "\u202e"]


def test_logs_print_lines_and_keep_tabs(hal0ctl, live):
    live.operator.lines = ("a\tb", "\x1b[31mred", "last")
    assert hal0ctl("logs", "chat").out == "a\tb\n\\x1b[31mred\nlast\n"
    assert hal0ctl("logs", "chat", "-n", "1", "--previous").out == "last\n"
    assert live.operator.wishes == [("logs", "chat", 100, False), ("logs", "chat", 1, True)]
    assert hal0ctl("logs", "chat", "-f").out == "a\tb\n\\x1b[31mred\nlast\n"


def test_a_log_that_cannot_be_followed_says_why(hal0ctl, live):
    live.operator.refusal = Refused("slot.no_container", "chat has no container")
    assert hal0ctl("logs", "chat", "-f") == (1, "", "hal0ctl: chat has no container\n")


def test_suspend_resume_restart_reach_the_operator(hal0ctl, live, monkeypatch):
    monkeypatch.setenv("LOGNAME", "anna")
    assert "until hal0ctl resume chat" in hal0ctl("suspend", "chat", "--reason", "benchmark").out
    assert hal0ctl("resume", "chat")[:2] == (0, "chat is resumed\n")
    assert hal0ctl("restart", "chat", "--pull").code == 0
    assert hal0ctl("restart", "--outdated")[:2] == (0, "restarting chat\n")
    assert hal0ctl("resume", "--prune")[:2] == (0, "3 slots go\n")
    assert live.operator.wishes == [
        ("suspend", "chat", "anna", "benchmark"),
        ("resume", "chat"),
        ("restart", "chat", True),
        ("outdated",),
        ("prune",),
    ]


def test_a_restart_of_what_does_not_run_says_so(hal0ctl, live):
    live.operator.restarted = "chat is idle: there is nothing to restart; its next request starts it"
    assert hal0ctl("restart", "chat") == (0, live.operator.restarted + "\n", "")


def test_a_resume_that_the_file_contradicts_is_exit_1(hal0ctl, live):
    live.operator.resumed = "slots/chat.toml:4 still suspends it"
    assert hal0ctl("resume", "chat")[:2] == (1, "slots/chat.toml:4 still suspends it\n")


def test_a_refused_wish_is_exit_1_with_the_operators_words(hal0ctl, live):
    live.operator.refusal = Refused("slot.shadow", "stt has no container: restart npu")
    assert hal0ctl("restart", "chat") == (1, "", "hal0ctl: stt has no container: restart npu\n")


def test_without_an_operator_slots_are_read_from_the_machine_and_stderr_says_so(hal0ctl, monkeypatch, tmp_path):
    monkeypatch.setattr("hal0_operator.cli.offline.slots", lambda paths: {"items": []})
    ran = hal0ctl("get", "slots", "-o", "json", "--state-dir", str(tmp_path))
    assert (ran.code, json.loads(ran.out)) == (0, {"items": []})
    assert ran.err == "no operator runs: read from Podman and the last admitted state\n"


@pytest.mark.parametrize("kind", ["profiles", "source", "capabilities", "events"])
def test_what_only_an_operator_knows_fails_without_one(hal0ctl, tmp_path, kind):
    ran = hal0ctl("get", kind, "--state-dir", str(tmp_path))
    assert (ran.code, ran.out) == (1, "")
    assert "no operator runs on" in ran.err
