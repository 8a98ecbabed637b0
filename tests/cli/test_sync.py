"""Overlay and slot files in a checkout that no operator serves: demanded to agree, and made to."""

import json

import pytest

OVERLAY = 'schema_version = 2\n[selections.voice.tts]\nenabled = true\nmodel = "kokoro-v2"  # newer\n'
TTS = 'device = "cpu"\nport = 8085\n[model]\ndefault = "kokoro-v1"\n'


@pytest.fixture(autouse=True)
def checkout(home, tmp_path, monkeypatch):
    monkeypatch.setenv("HAL0CTL_STATE_DIR", str(tmp_path / "state"))
    (home / "capabilities.toml").write_text(OVERLAY)
    (home / "slots" / "tts.toml").write_text(TTS)
    return home


def test_a_disagreement_is_a_warning_and_in_git_an_error(hal0ctl, home):
    ran = hal0ctl("validate", str(home), "-o", "json")
    assert (ran.code, [p["code"] for p in json.loads(ran.out)["problems"]]) == (0, ["capability.drift"])
    ran = hal0ctl("validate", str(home), "--git")
    assert ran.code == 1
    assert "capabilities.toml:4:9: error capability.conflict: voice.tts and slots/tts.toml disagree" in ran.out
    assert "hint: run `hal0ctl capability sync` in the checkout" in ran.out


def test_sync_writes_what_the_overlay_says_and_then_git_is_content(hal0ctl, home):
    dry = hal0ctl("capability", "sync", str(home), "--dry-run")
    assert (dry.code, dry.err) == (0, "nothing was written\n")
    assert (home / "slots" / "tts.toml").read_text() == TTS
    ran = hal0ctl("capability", "sync", str(home))
    assert (ran.code, ran.err, ran.out) == (0, "", dry.out)
    assert '-default = "kokoro-v1"\n+default = "kokoro-v2"\n' in ran.out
    assert 'default = "kokoro-v2"\n' in (home / "slots" / "tts.toml").read_text()
    assert hal0ctl("validate", str(home), "--git").code == 0
    assert hal0ctl("capability", "sync", str(home)) == (0, "nothing to change\n", "")


def test_json_is_the_body_of_a_change(hal0ctl, home):
    body = json.loads(hal0ctl("capability", "sync", "--home", str(home), "-o", "json").out)
    assert body["committed"] is True
    assert "slots/tts.toml" in [file["file"] for file in body["files"]]
    again = json.loads(hal0ctl("capability", "sync", "--home", str(home), "-o", "json").out)
    assert (again["committed"], again["files"]) == (False, [])


def test_what_cannot_be_carried_over_stays_an_error(hal0ctl, home):
    (home / "slots" / "tts.toml").write_text("prot = 1\n" + TTS)
    ran = hal0ctl("capability", "sync", str(home))
    assert (home / "slots" / "tts.toml").read_text() == "prot = 1\n" + TTS
    assert hal0ctl("validate", str(home), "--git").code == 1
    assert ran.code == 1
    assert "unknown key `prot`" in ran.err


def test_two_homes_are_a_wrong_command_line(hal0ctl, home):
    ran = hal0ctl("capability", "sync", str(home), "--home", "/elsewhere")
    assert (ran.code, ran.out) == (2, "")
    assert "two homes" in ran.err
