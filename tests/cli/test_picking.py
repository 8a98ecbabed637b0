"""A new slot by questions, on a terminal."""

import os
import pty
import subprocess
import sys

import pytest


class Terminal:
    """``hal0ctl`` on a terminal of its own; what it says is read until a prompt."""

    def __init__(self, home, state, *words: str) -> None:
        self.ours, theirs = pty.openpty()
        command = [
            sys.executable,
            "-m",
            "tests.support.hal0ctl",
            "--home",
            str(home),
            "--state-dir",
            str(state),
            *words,
        ]
        environ = {**os.environ, "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, text=True, env=environ
        )
        os.close(theirs)

    def until(self, prompt: str) -> str:
        said = ""
        while not said.endswith(prompt):
            said += self._read()
        return said.replace("\r\n", "\n")

    def say(self, line: str) -> None:
        os.write(self.ours, line.encode())

    def rest(self) -> str:
        said = ""
        while chunk := self._read(at_end=True):
            said += chunk
        self.process.wait(20)
        return said.replace("\r\n", "\n")

    def _read(self, *, at_end: bool = False) -> str:
        try:
            return os.read(self.ours, 4096).decode()
        except OSError:  # the other side was closed
            if at_end:
                return ""
            raise

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        os.close(self.ours)


@pytest.fixture
def terminal(home, tmp_path):
    opened = []

    def start(*words: str) -> Terminal:
        opened.append(Terminal(home, tmp_path, *words))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def test_enter_takes_the_default_of_every_question(terminal, home):
    shell = terminal("slot", "create", "code")
    assert shell.until("number [1, gpu-rocm]: ").startswith("device of this llm slot:\n  1) gpu-rocm  rocm, ")
    shell.say("\n")
    assert "profile:\n  1) rocm" in shell.until("number [1, rocm]: ")
    shell.say("\n")
    shell.until("model (Enter: none yet, and the slot stays off): ")
    shell.say("Qwen3-4B\n")
    shell.until("port [8081]: ")
    shell.say("\n")
    assert "load code\n" in shell.rest()
    assert shell.process.returncode == 0
    assert (home / "slots" / "code.toml").read_text() == (
        'type = "llm"\ndevice = "gpu-rocm"\nprofile = "rocm"\nport = 8081\n\n[model]\ndefault = "Qwen3-4B"\n'
    )


def test_numbers_names_and_other_values_are_taken_and_nonsense_is_asked_again(terminal, home):
    shell = terminal("slot", "create", "code")
    shell.until("number [1, gpu-rocm]: ")
    shell.say("7\n")
    assert "please answer with a number from 1 to " in shell.until("number [1, gpu-rocm]: ")
    shell.say("gpu-vulkan\n")
    shell.until("number [1, vulkan]: ")
    shell.say("1\n")
    shell.until("off): ")
    shell.say("\n")
    shell.until("port [8081]: ")
    shell.say("many\n")
    shell.until("port [8081]: ")
    shell.say("8123\n")
    shell.rest()
    assert (home / "slots" / "code.toml").read_text() == (
        'type = "llm"\ndevice = "gpu-vulkan"\nprofile = "vulkan"\nport = 8123\n'
    )


def test_a_type_offers_only_what_serves_it(terminal, home):
    shell = terminal("slot", "create", "stt")
    assert shell.until("number [1, npu]: ") == "device of this transcription slot:\n  1) npu  flm\nnumber [1, npu]: "
    shell.say("\n")
    shell.until("number [1, flm]: ")
    shell.say("\n")
    shell.until("model (Enter: none): ")
    shell.say("\n")
    shell.rest()
    assert (home / "slots" / "stt.toml").read_text() == 'type = "transcription"\ndevice = "npu"\nprofile = "flm"\n'


def test_the_end_of_the_input_writes_nothing(terminal, home):
    shell = terminal("slot", "create", "code")
    shell.until("number [1, gpu-rocm]: ")
    shell.say("\x04")
    shell.rest()
    assert shell.process.returncode == 1
    assert "nothing was changed" in shell.process.stderr.read()
    assert not (home / "slots" / "code.toml").exists()


@pytest.mark.parametrize(("answer", "code", "there"), [("n\n", 1, True), ("\n", 1, True), ("y\n", 0, False)])
def test_a_slot_is_deleted_only_when_that_is_meant(terminal, home, answer, code, there):
    shell = terminal("slot", "delete", "chat")
    shell.until("delete slot chat and its container? [y/N] ")
    shell.say(answer)
    shell.rest()
    assert (shell.process.returncode, (home / "slots" / "chat.toml").exists()) == (code, there)


def test_yes_asks_nothing(terminal, home):
    shell = terminal("slot", "delete", "chat", "--yes")
    assert "[y/N]" not in shell.rest()
    assert not (home / "slots" / "chat.toml").exists()


def test_without_a_terminal_it_is_said_what_is_missing(hal0ctl, home):
    ran = hal0ctl("slot", "create", "code", "--home", str(home))
    assert (ran.code, ran.out) == (2, "")
    assert "slot create code needs one of --device, --profile, --model" in ran.err
