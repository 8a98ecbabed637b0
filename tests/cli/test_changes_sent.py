"""Wishes with an operator: sent over its socket, and waited for."""

import json

import pytest

from hal0_operator.changes.wish import (
    CreateProfile,
    CreateSlot,
    DeleteProfile,
    DeleteSlot,
    EditProfile,
    EditSlot,
    SetCapability,
)
from hal0_operator.loop.view import Refused
from hal0_operator.model.status import SourceStatus
from tests.support.fake_operator import ROCM, changed, slot

TEXTS = {
    "slots/chat.toml": 'device = "gpu-rocm"\nport = 8081\n[model]\ndefault = "a.gguf"\n',
    "slots/tts.toml": 'device = "cpu"\nport = 8085\n[model]\ndefault = "kokoro-v1"\n',
    "profiles.toml": '[profile.mine]\nimage = "localhost/a"\n',
    "capabilities.toml": "schema_version = 2\n",
}


@pytest.fixture(autouse=True)
def for_this_home(live, home, monkeypatch):
    monkeypatch.setenv("HAL0CTL_HOME", str(home))
    monkeypatch.setenv("LOGNAME", "ada")
    operator = live.operator
    operator.texts = dict(TEXTS)
    operator.listed = {"chat": slot("chat"), "tts": slot("tts", profile="mine"), "code": slot("code", "CrashLoop")}
    speech = {"enabled": True, "device": "cpu", "model": "kokoro-v1", "provider": None, "slot": "tts", "phase": "Ready"}
    monkeypatch.setattr(operator, "capabilities", lambda: {"selections": {"voice": {"tts": speech}}})
    monkeypatch.setattr(operator, "profiles", lambda: {"mine": changed(ROCM, name="mine", seed=False), "rocm": ROCM})
    monkeypatch.setattr(operator, "source", lambda: SourceStatus(kind="directory", url=f"{home}/"))


@pytest.mark.parametrize(
    ("words", "wish", "ready"),
    [
        ("capability set voice.tts --off", SetCapability("voice.tts", {"enabled": False}), "tts: Ready\n"),
        ("slot create new --model b", CreateSlot("new", {"model": {"default": "b"}}), ""),
        ("slot edit chat --set port=", EditSlot("chat", {"port": None}), "chat: Ready\n"),
        ("slot delete chat", DeleteSlot("chat"), "chat: Ready\n"),
        ("profile clone rocm new --set mtp=false", CreateProfile("new", {"mtp": False}, "rocm"), ""),
        ("profile edit mine --set flags=-v", EditProfile("mine", {"flags": "-v"}), "tts: Ready\n"),
        ("profile delete mine", DeleteProfile("mine"), ""),
    ],
)
def test_each_command_is_one_wish_and_waits_for_the_slots_that_it_touches(hal0ctl, live, home, words, wish, ready):
    ran = hal0ctl(*words.split())
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("swap chat\n    model: a → b\nheld code: PortHeld: python has port 8082\n" + ready)
    assert live.operator.wishes[0] == ("change", wish, "ada", False)
    assert live.operator.wishes[1:] == ([("trigger",), ("fresh",)] if ready or "create" in words else [])
    assert sorted(path.name for path in home.rglob("*.toml")) == ["chat.toml"]


def test_a_slot_that_does_not_become_ready_is_exit_1(hal0ctl, live):
    live.operator.listed["chat"] = slot("chat", "CrashLoop", blocked_on="exited 1")
    ran = hal0ctl("slot", "edit", "chat", "--port", "8090")
    assert (ran.code, ran.err) == (1, "chat: CrashLoop: exited 1\n")


def test_the_time_to_wait_ends(hal0ctl, live):
    live.operator.listed["chat"] = slot("chat", "Starting")
    ran = hal0ctl("slot", "edit", "chat", "--port", "8090", "--timeout", "0")
    assert (ran.code, ran.err) == (1, "chat: Starting: not yet (not within 0 s)\n")


def test_a_suspended_slot_is_not_waited_for(hal0ctl, live):
    live.operator.listed["chat"] = slot("chat", "Suspended")
    ran = hal0ctl("slot", "edit", "chat", "--port", "8090")
    assert (ran.code, ran.err) == (0, "chat: Suspended: not yet (skipped)\n")


def test_no_wait_returns_at_once(hal0ctl, live):
    live.operator.listed["chat"] = slot("chat", "CrashLoop")
    assert hal0ctl("slot", "edit", "chat", "--port", "8090", "--no-wait").code == 0
    assert live.operator.wishes == [("change", EditSlot("chat", {"port": 8090}), "ada", False)]


def test_a_dry_run_shows_and_asks_for_nothing_more(hal0ctl, live):
    ran = hal0ctl("slot", "edit", "chat", "--port", "8090", "--dry-run")
    assert (ran.code, ran.err) == (0, "nothing was written\n")
    assert "-port = 8081\n+port = 8090\n" in ran.out
    assert live.operator.wishes == [("change", EditSlot("chat", {"port": 8090}), "ada", True)]


def test_json_is_the_answer_alone(hal0ctl):
    ran = hal0ctl("slot", "edit", "chat", "--port", "8090", "-o", "json")
    body = json.loads(ran.out)
    assert (ran.code, ran.err) == (0, "chat: Ready\n")
    assert (body["committed"], body["generation"], len(body["files"])) == (True, "g2", 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("slot edit chta --port 1", "hal0ctl: no slot 'chta'\n"),
        ("slot edit chat --set prot=1", "hal0ctl: slot.schema: unknown key `prot`: did you mean `port`?\n  at prot\n"),
        ("slot edit a/b --port 1", "hal0ctl: no slot 'a/b': names are like chat or embed-rerank\n"),
        ("profile delete a/b", "hal0ctl: no profile 'a/b': names are like rocm or my-vulkan\n"),
        ("profile edit rocm --set flags=-v", "profiles.seed_immutable: profile rocm is shipped"),
        ("capability sync", "an operator runs for this home"),
    ],
)
def test_what_the_operator_refuses_is_exit_1_with_its_words(hal0ctl, live, words, said):
    ran = hal0ctl(*words.split())
    assert (ran.code, ran.out) == (1, "")
    assert said.removeprefix("hal0ctl: ") in ran.err
    assert live.operator.wishes == []


def test_an_operator_that_cannot_write_is_an_error_too(hal0ctl, live):
    live.operator.refusal = Refused("changeset.unwritten", "no space left on device; nothing was written")
    ran = hal0ctl("slot", "edit", "chat", "--port", "8090")
    assert ran == (1, "", "hal0ctl: changeset.unwritten: no space left on device; nothing was written\n")


def test_a_save_that_was_kept_instead_is_exit_1(hal0ctl, live, monkeypatch):
    change = live.operator.change

    async def overlaid(*args, **options):
        done = await change(*args, **options)
        return done._replace(written=changed(done.written, overlaid=("slots/chat.toml",)))

    monkeypatch.setattr(live.operator, "change", overlaid)
    ran = hal0ctl("slot", "edit", "chat", "--port", "8090")
    assert ran.code == 1
    assert ran.err == "slots/chat.toml was saved meanwhile: the newer save was kept; repeat it if you still want it\n"


def test_lists_are_those_of_get(hal0ctl):
    assert hal0ctl("profile", "list") == hal0ctl("get", "profiles")
    assert hal0ctl("profile", "list", "-o", "name").out == "rocm\nmine\n"
    assert hal0ctl("capability", "list") == hal0ctl("get", "capabilities")


def test_the_operator_of_another_home_is_not_asked(hal0ctl, live, home, tmp_path):
    other = tmp_path / "other"
    (other / "slots").mkdir(parents=True)
    ran = hal0ctl("slot", "create", "code", "--model", "m", "--home", str(other))
    assert (ran.code, live.operator.wishes) == (0, [])
    assert (other / "slots" / "code.toml").read_text().endswith('[model]\ndefault = "m"\n')
    assert ran.err.startswith("nothing is running")
