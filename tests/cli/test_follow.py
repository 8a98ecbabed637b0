"""Following: one complete line per change in a pipe, a repaint on a terminal."""

import json
import os
import pty
import re
import signal
import subprocess
import sys

import pytest

from tests.support.fake_operator import NOW, changed, condition, event


class Follower:
    """``hal0ctl`` as a process that is still running."""

    def __init__(self, live, *words: str, stdout=subprocess.PIPE) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.hal0ctl", "--state-dir", str(live.state), *words],
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        return self.process.stdout.readline()

    def end(self, with_signal: int = signal.SIGINT) -> tuple[int, str]:
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        _, err = self.process.communicate(timeout=30)
        return self.process.returncode, err


@pytest.fixture
def follow(live):
    started = []

    def start(*words: str, **options) -> Follower:
        started.append(Follower(live, *words, **options))
        return started[-1]

    yield start
    for follower in started:
        follower.end(signal.SIGKILL)


def starting(live):
    live.call(live.operator.put, changed(live.operator.listed["chat"], phase="Starting"))


def test_a_pipe_gets_one_whole_line_per_change(live, follow):
    follower = follow("get", "slots", "-w")
    assert follower.line().split()[:2] == ["NAME", "PHASE"]
    assert follower.line().split()[:2] == ["chat", "Ready"]
    assert follower.line().split()[:2] == ["code", "CrashLoop"]
    starting(live)
    assert follower.line().split()[:2] == ["chat", "Starting"]
    idle = condition("Ready", "False", "Idle", "loaded on demand")
    live.call(live.operator.put, changed(live.operator.listed["chat"], phase="Idle", conditions=(idle,)))
    assert follower.line().endswith(f"loaded on demand; idle since {NOW}\n")
    live.call(live.operator.drop, "code")
    assert follower.line() == "code  Removed\n"
    assert follower.end() == (130, "")


def test_only_the_named_slot_is_followed(live, follow):
    follower = follow("get", "slots", "chat", "-w", "-o", "json")
    assert json.loads(follower.line())["phase"] == "Ready"
    live.call(live.operator.drop, "code")
    starting(live)
    assert json.loads(follower.line())["phase"] == "Starting"


def test_an_unknown_slot_is_not_waited_for(live, follow):
    follower = follow("get", "slots", "caht", "-w")
    assert follower.process.wait(30) == 1
    assert "no slot 'caht', did you mean 'chat'?" in follower.end()[1]


def test_events_come_with_their_past_and_go_on(live, follow):
    live.operator.past = [event("old")]
    follower = follow("events", "-f")
    assert follower.line().endswith("old\n")
    live.call(live.operator.happen, event("new\n\x1b[2J"))
    assert follower.line().endswith("new\\n\\x1b[2J\n")


def test_a_followed_operator_that_ends_is_exit_1(operator, tmp_path, follow, live):
    follower = follow("get", "slots", "-w")
    follower.line()
    live.call(live.operator.followed.wait)
    live.shut()
    assert follower.process.wait(30) == 1
    assert follower.end()[1] == "hal0ctl: the operator ended the stream\n"


def test_a_reader_that_leaves_ends_the_following(live, follow):
    follower = follow("get", "slots", "-w")
    for _ in range(3):
        follower.line()
    follower.process.stdout.close()
    starting(live)
    assert follower.process.wait(30) == 141
    assert follower.process.stderr.read() == ""


def test_a_terminal_is_repainted_in_place(live, follow, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("LINES", "30")
    monkeypatch.delenv("NO_COLOR", raising=False)
    ours, theirs = pty.openpty()
    follow("get", "slots", "-w", stdout=theirs)
    os.close(theirs)

    def until(pattern: bytes) -> bytes:
        seen = b""
        while not re.search(pattern, seen):
            seen += os.read(ours, 4096)
        return seen

    first = until(rb"CrashLoop(?s:.*)\x1b\[J")
    assert first.startswith(b"\rNAME")
    assert b"\x1b[32mReady\x1b[0m" in first
    starting(live)
    assert until(rb"Starting(?s:.*)\x1b\[J").startswith(b"\x1b[3A\r")
    os.close(ours)
