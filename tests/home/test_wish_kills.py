"""Killed at any system call, every kind of wish leaves all of it or nothing, for readers, operator and next writer."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hal0_operator.changes.wish import CreateProfile, CreateSlot, EditSlot, ReplaceFiles, SetCapability, Wish
from hal0_operator.home.read import read_once
from hal0_operator.host.fs import HostFs
from tests.changes.homes import files_of, judge
from tests.home.operators import HomeSide
from tests.support.syscalls import interposed

TTS = '# speech\ntype = "tts"\ndevice = "cpu"\nport = 8085\n\n[model]\ndefault = "kokoro-v1"\n'
CHAT = 'device = "gpu-rocm"\nprofile = "rocm"\nport = 8081\n\n[model]\ndefault = "a.gguf"\n'
OVERLAY = '# mine\nschema_version = 2\n\n[selections.voice.tts]\nenabled = true\ndevice = "cpu"\nmodel = "kokoro-v1"\n'
WHOLE = {"slots/tts.toml": TTS, "slots/chat.toml": CHAT, "capabilities.toml": OVERLAY}
OFF = {
    file: text.replace("true", "false").replace("port = 8085\n", "port = 8085\nenabled = false\n")
    for file, text in WHOLE.items()
}
KILLED = 137


def wishing(wish: Wish) -> Callable[[HomeSide], object]:
    return lambda side: side.wish(wish)


def saving(file: str, text: str) -> Callable[[HomeSide], object]:
    """A hand edit, which the operator then carries over."""

    def act(side: HomeSide) -> object:
        (side.home / file).write_text(text)
        return side.look()

    return act


CASES: dict[str, tuple[dict[str, str], Callable[[HomeSide], object]]] = {
    "set on": (OFF, wishing(SetCapability("voice.tts", {"enabled": True}))),
    "set off": (WHOLE, wishing(SetCapability("voice.tts", {"enabled": False}))),
    "create slot": (WHOLE, wishing(CreateSlot("chat2", {"model": "b.gguf"}))),
    "clone profile": (WHOLE, wishing(CreateProfile("mine", {}, "rocm"))),
    "write back": (WHOLE, saving("slots/tts.toml", TTS.replace("kokoro-v1", "kokoro-v2"))),
    "first overlay": ({"slots/tts.toml": TTS, "slots/chat.toml": CHAT}, lambda side: side.look()),
    "migration": (
        WHOLE,
        wishing(
            ReplaceFiles({"slots/tts.toml": TTS.encode() + b"# new\n", "slots/chat.toml": b"# x\n" + CHAT.encode()})
        ),
    ),
}


def prepared(home: Path, texts: dict[str, str], *, admitted: bool) -> HomeSide:
    for file, text in texts.items():
        (home / file).parent.mkdir(parents=True, exist_ok=True)
        (home / file).write_text(text)
    side = HomeSide(home)
    if admitted:
        side.look()
    return side


def killed_at(number: int, side: HomeSide, act: Callable[[HomeSide], object]) -> bool:
    """Do it in a process that dies right before its n-th system call; whether it died."""
    pid = os.fork()
    if pid == 0:

        def die(count: int, _name: str, _args: object) -> None:
            if count == number:
                os._exit(KILLED)

        with interposed(die):
            act(side)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == KILLED


def seen(home: Path) -> dict[str, str]:
    return {file: source.data.decode() for file, source in read_once(HostFs(), str(home)).files.items()}


@pytest.mark.parametrize("name", CASES)
def test_a_kill_at_any_call_leaves_all_or_nothing(name: str, tmp_path: Path) -> None:
    texts, act = CASES[name]
    admitted = name != "first overlay"
    done = prepared(tmp_path / "done", texts, admitted=admitted)
    before = done.texts()
    act(done)
    wanted = done.texts()
    byhand = {file for file in wanted if name == "write back" and file == "slots/tts.toml"}
    points = 0
    while True:
        home = tmp_path / str(points + 1)
        side = prepared(home, texts, admitted=admitted)
        if not killed_at(points + 1, side, act):
            break
        points += 1
        old = {file: wanted[file] if file in byhand else text for file, text in before.items()}
        first = seen(home)
        assert first in (before, old, wanted), (name, points)
        assert seen(home) == first, "readers change nothing"
        verdict = judge(files_of(first), None).verdict
        assert not verdict.denied, "what validate says of it"
        side.restart()
        side.look()
        then = side.texts()
        assert then in (before, old, wanted), "the operator finishes it or drops it"
        if name == "write back" and first != before:
            assert then == wanted, "and carries over what a person saved"
        side.wish(EditSlot("tts", {"model": "last"}))
        assert 'default = "last"' in side.texts()["slots/tts.toml"], "no leftover blocks the next try"
        assert {path.name for path in (home / ".hal0").iterdir()} == {"lock", ".gitignore"}
    print(f"{name}: {points} kill points")
    assert points > 30
