"""Wishes without an operator: this process writes the files, and says that nobody acts on them yet."""

import json

import msgspec
import pytest

from hal0_operator.cli.local import Local
from hal0_operator.cli.options import resolve
from hal0_operator.home.identity import home_id
from hal0_operator.home.lock import operator_lock, operator_lock_path
from hal0_operator.host.fs import HostFs
from hal0_operator.loop.store import StateDir
from hal0_operator.model.memory import Memory, SlotMemory

NOTHING_RUNS = "nothing is running, so nothing is acted on until `hal0ctl run` or `hal0ctl apply`\n"
CHAT = '# the chat model\ndevice = "gpu-rocm"\n[model]\ndefault = "some-model"  # for now\n'
TTS = 'type = "tts"\ndevice = "cpu"\nprofile = "tts"\nenabled = true\nport = 8081\n\n[model]\ndefault = "kokoro-v1"\n'
MINE = '[profile.mine]\nimage = "localhost/a"\nflags = "--no-mmap"  # mine\ndevice_class = "gpu"\n'


@pytest.fixture(autouse=True)
def here(home, tmp_path, monkeypatch):
    monkeypatch.setenv("HAL0CTL_HOME", str(home))
    monkeypatch.setenv("HAL0CTL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("LOGNAME", "ada")
    (home / "slots" / "chat.toml").write_text(CHAT)


def files(home):
    return {str(path.relative_to(home)): path.read_text() for path in home.rglob("*.toml")}


def test_a_capability_that_is_switched_on_gets_its_slot_and_its_entry(hal0ctl, home):
    ran = hal0ctl("capability", "set", "voice.tts", "--on", "--model", "kokoro-v1")
    assert (ran.code, ran.err) == (0, NOTHING_RUNS)
    assert "+++ b/slots/tts.toml\n" in ran.out
    assert ran.out.endswith("load tts\n")
    now = files(home)
    assert now["slots/tts.toml"] == TTS
    assert now["slots/chat.toml"] == CHAT
    assert now["capabilities.toml"].endswith(
        '[selections.voice.tts]\nenabled = true\nmodel = "kokoro-v1"\ndevice = "cpu"\n'
    )


def test_what_is_there_already_changes_nothing(hal0ctl, home):
    hal0ctl("capability", "set", "voice.tts", "--on", "--model", "kokoro-v1")
    before = files(home)
    assert hal0ctl("capability", "set", "voice.tts", "--on", "--model", "kokoro-v1") == (0, "nothing to change\n", "")
    assert hal0ctl("slot", "edit", "chat", "--device", "gpu-rocm") == (0, "nothing to change\n", "")
    assert files(home) == before


def test_a_dry_run_shows_all_and_writes_nothing(hal0ctl, home):
    ran = hal0ctl("slot", "edit", "chat", "--context-size", "4096", "--dry-run")
    assert (ran.code, ran.err) == (0, "nothing was written\n")
    assert "+context_size = 4096\n" in ran.out
    assert "swap chat\n    context_size: 8192 → 4096\n" in ran.out
    assert files(home) == {"slots/chat.toml": CHAT}
    assert not (home / ".hal0").exists()


def test_an_edit_keeps_comments_and_takes_what_follows_along(hal0ctl, home):
    assert hal0ctl("slot", "edit", "chat", "--model", "other", "--port", "8090", "--disable").code == 0
    changed = CHAT.replace('"some-model"', '"other"').replace("[model]", "port = 8090\nenabled = false\n[model]")
    assert sorted(files(home)["slots/chat.toml"].splitlines()) == sorted(changed.splitlines())
    assert hal0ctl("slot", "edit", "chat", "--set", "port=", "--enable").code == 0
    assert "port" not in files(home)["slots/chat.toml"]


def test_a_new_slot_gets_a_port_that_no_slot_was_given(hal0ctl, home, tmp_path):
    (tmp_path / "state").mkdir()
    state = StateDir(HostFs(), str(tmp_path / "state"), home_id(str(home)))
    state.write_memory(Memory({"chat": SlotMemory(port=8081)}))
    assert hal0ctl("slot", "create", "code", "--model", "m", "--set", "operator.suspend=true").code == 0
    assert files(home)["slots/code.toml"] == (
        'type = "llm"\ndevice = "gpu-rocm"\nprofile = "rocm"\nport = 8082\n\n'
        '[operator]\nsuspend = true\n\n[model]\ndefault = "m"\n'
    )


def test_the_state_of_another_home_counts_for_nothing(hal0ctl, home, tmp_path):
    (tmp_path / "state").mkdir()
    state = StateDir(HostFs(), str(tmp_path / "state"), "another")
    state.write_memory(Memory({"chat": SlotMemory(port=8081)}))
    assert hal0ctl("slot", "create", "code", "--model", "m").code == 0
    assert "port = 8081\n" in files(home)["slots/code.toml"]


def test_a_deleted_slot_is_gone_with_its_capability_switched_off(hal0ctl, home):
    hal0ctl("capability", "set", "voice.tts", "--on", "--model", "kokoro-v1")
    ran = hal0ctl("slot", "delete", "tts")
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "unload tts")
    assert "slots/tts.toml" not in files(home)
    assert "enabled = false" in files(home)["capabilities.toml"]


def test_profiles_are_cloned_edited_and_deleted(hal0ctl, home):
    (home / "profiles.toml").write_text(MINE)
    assert hal0ctl("profile", "clone", "mine", "other", "--set", "intent=to try").code == 0
    copy = (
        '\n[profile.other]\nimage = "localhost/a"\nflags = "--no-mmap"\ndevice_class = "gpu"\n'
        'cloned_from = "mine"\nintent = "to try"\n'
    )
    assert files(home)["profiles.toml"] == MINE + copy
    assert hal0ctl("profile", "edit", "mine", "--set", "flags=-v", "--set", 'env.A={secret="hal0-a"}').code == 0
    assert '[profile.mine]\nimage = "localhost/a"\nflags = "-v"  # mine\n' in files(home)["profiles.toml"]
    assert hal0ctl("profile", "delete", "mine").code == 0
    assert files(home)["profiles.toml"].strip() == copy.strip()


def test_a_profiles_edit_says_which_slots_it_swaps(hal0ctl, home):
    (home / "profiles.toml").write_text(MINE)
    for name in ("a", "b"):
        (home / "slots" / f"{name}.toml").write_text(f'profile = "mine"\n[model]\ndefault = "{name}"\n')
    out = hal0ctl("profile", "edit", "mine", "--set", "flags=").out
    swap = "\n    flags --mmap: --no-mmap → nothing\n"
    assert f"swap a{swap}swap b{swap}2 slots are swapped; of those that share a profile one at a time\n" in out


def test_a_profile_is_shown_with_its_flags_and_users(hal0ctl, home):
    assert hal0ctl("profile", "show", "rocm").out.splitlines()[-1] == "# used by: chat"
    (home / "profiles.toml").write_text(MINE + 'env = { API_KEY = "hunter2" }\n')
    out = hal0ctl("profile", "show", "mine").out
    assert '[profile.mine]\nimage = "localhost/a"\nflags = "--no-mmap"\n' in out
    assert "# resolved flags: --no-mmap\n# used by: no slot\n" in out
    assert "hunter2" not in out
    assert json.loads(hal0ctl("profile", "show", "mine", "-o", "json").out)["used_by"] == []
    ran = hal0ctl("profile", "show", "mien")
    assert (ran.code, ran.err) == (1, "hal0ctl: profiles.not_found: no profile mien: did you mean mine?\n")


def test_lists_come_from_the_files_and_say_so(hal0ctl, home):
    ran = hal0ctl("profile", "list")
    assert (ran.code, ran.err) == (0, "no operator runs: read from the home's files\n")
    assert ran.out.splitlines()[1].split()[0] == "rocm"
    assert ran.out.splitlines()[1].endswith("chat")
    hal0ctl("capability", "set", "voice.tts", "--on", "--model", "kokoro-v1")
    rows = hal0ctl("capability", "list").out.splitlines()
    assert rows[4].split() == ["voice.tts", "yes", "cpu", "kokoro-v1", "tts", "-"]
    body = json.loads(hal0ctl("capability", "list", "-o", "json").out)
    assert body["selections"]["voice"]["tts"]["model"] == "kokoro-v1"


def test_json_is_the_apis_own_and_the_rest_is_on_stderr(hal0ctl):
    ran = hal0ctl("slot", "edit", "chat", "--port", "8090", "-o", "json")
    body = json.loads(ran.out)
    assert (ran.code, ran.err) == (0, NOTHING_RUNS)
    assert (body["committed"], body["dryRun"], [file["file"] for file in body["files"]]) == (
        True,
        False,
        ["slots/chat.toml"],
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["slot", "edit", "chta", "--port", "1"], "slot.unknown: no slot chta: did you mean chat?\n"),
        (["slot", "edit", "chta"], "slot.unknown: no slot chta: did you mean chat?\n"),
        (["slot", "create", "chat", "--model", "m"], "slot.exists: slot chat exists already: slots/chat.toml;"),
        (["slot", "create", "Bad", "--model", "m"], "slot.name: `Bad` is no name for a slot"),
        (["slot", "edit", "chat", "--set", "prot=1"], "unknown key `prot`: did you mean `port`?\n  at prot\n"),
        (
            ["slot", "edit", "chat", "--set", "prot=1", "--set", "mtp=maybe"],
            "nothing was written: 2 problems\n  prot: slot.schema: unknown key `prot`\n    hint: did you mean `port`?\n  mtp: ",
        ),
        (["slot", "edit", "chat", "--set", "profile=tts"], "  at slots/chat.toml, profile\n"),
        (["capability", "set", "voice.tts", "--device", "npu", "--on"], "slots/tts.toml, profile\n"),
        (["capability", "set", "embed.embed", "--on"], "capability.no_model: embed.embed has no model yet"),
        (["profile", "edit", "rocm", "--set", "flags=-v"], "profiles.seed_immutable: profile rocm is shipped"),
        (["profile", "edit", "rocm"], "profiles.seed_immutable: profile rocm is shipped"),
        (["profile", "clone", "rcom", "x"], "profiles.not_found: no profile rcom: did you mean rocm?"),
        (["profile", "clone", "rocm", "vulkan"], "profiles.exists: profile vulkan is shipped"),
        (["profile", "delete", "nope"], "profiles.not_found: no profile nope"),
    ],
)
def test_a_refusal_is_exit_1_with_its_code_and_its_place(hal0ctl, home, words, said):
    before = files(home)
    ran = hal0ctl(*words)
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err
    assert files(home) == before


def test_a_home_that_is_not_there_is_said(hal0ctl, tmp_path):
    ran = hal0ctl("slot", "create", "a", "--model", "m", "--home", str(tmp_path / "nowhere"))
    assert (ran.code, ran.out) == (1, "")
    assert "there is no such home" in ran.err


def test_an_operator_that_cannot_be_asked_is_not_taken_for_none(hal0ctl, home, tmp_path, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    held = operator_lock(HostFs(), operator_lock_path(str(tmp_path), home_id(str(home))), str(home), 1)
    try:
        ran = hal0ctl("slot", "edit", "chat", "--port", "8090")
    finally:
        held.release()
    assert (ran.code, ran.err) == (0, "an operator with another --state-dir runs for this home, and acts on it\n")
    assert hal0ctl("slot", "edit", "chat", "--port", "8091").err == NOTHING_RUNS


def test_hand_edits_since_the_last_run_are_carried_over_with_a_wish(hal0ctl, home, tmp_path):
    hal0ctl("capability", "set", "voice.tts", "--on", "--model", "kokoro-v1")
    state = StateDir(HostFs(), str(tmp_path / "state"), home_id(str(home)))
    (tmp_path / "state").mkdir()
    paths = resolve({"home": str(home), "state_dir": str(tmp_path / "state")}, {}, 0)
    state.write_admitted(Local(paths).judged().verdict.admitted)
    (home / "slots" / "tts.toml").write_text(TTS.replace("kokoro-v1", "kokoro-v2"))
    assert hal0ctl("slot", "edit", "chat", "--port", "8090").code == 0
    assert 'model = "kokoro-v2"\n' in files(home)["capabilities.toml"]
    assert msgspec.json.decode((tmp_path / "state" / "admitted.json").read_bytes())["home"] == home_id(str(home))
