"""Finding the verb, and turning whatever happens into a line and an exit code."""

import os
import subprocess
import sys

import pytest

from hal0_operator import __version__
from hal0_operator.cli.verbs import VERBS

HEAVY = ("msgspec", "anyio", "starlette", "podman", "argparse", "http", "json", "watchfiles", "prometheus_client")


def test_help_lists_every_verb_and_imports_nothing_heavy():
    code = "import sys\nfrom hal0_operator.cli.main import main\nmain(['--help'])\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name, verb in VERBS.items():
        assert f"  {name} " in done.stdout
        assert verb.summary in done.stdout
    assert not set(HEAVY) & set(done.stderr.split())


@pytest.mark.parametrize("words", [["--version"], ["--home", "/x", "--version"]])
def test_the_version_is_the_packages(hal0ctl, words):
    assert hal0ctl(*words)[:2] == (0, f"hal0ctl {__version__}\n")


@pytest.mark.parametrize("words", [["-h"], ["help"], ["--state-dir", "/x", "--help"]])
def test_help_is_asked_for_in_several_ways(hal0ctl, words):
    ran = hal0ctl(*words)
    assert ran.code == 0
    assert ran.out.startswith("usage: hal0ctl VERB")


def test_a_commands_help_shows_its_own_and_the_shared_options(hal0ctl):
    ran = hal0ctl("slot", "create", "--help")
    assert ran.code == 0
    assert ran.out.startswith("usage: hal0ctl slot create [-h]")
    assert "--context-size" in ran.out
    assert "$HAL0CTL_STATE_DIR" in ran.out
    assert all(name in hal0ctl("help", "slot").out for name in ("create", "edit", "delete"))


@pytest.mark.parametrize("words", [["help", "get"], ["get", "--help"], ["--home", "/x", "get", "-h"]])
def test_a_verbs_help_shows_its_own_and_the_shared_options(hal0ctl, words):
    ran = hal0ctl(*words)
    assert ran.code == 0
    assert "--watch" in ran.out
    assert "$HAL0CTL_STATE_DIR" in ran.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "usage: hal0ctl VERB"),
        (["--home"], "no verb given"),
        (["--home", "/x"], "no verb given"),
        (["gte"], "unknown verb 'gte', did you mean 'get'?"),
        (["xyzzy"], "unknown verb 'xyzzy'\n"),
        (["--hme", "/x", "get"], "unknown option '--hme', did you mean '--home'?"),
        (["get"], "the following arguments are required: KIND"),
        (["get", "slot"], "no kind 'slot', did you mean 'slots'?"),
        (["get", "slots", "-o", "yaml"], "no form 'yaml'"),
        (["get", "slots", "--wtach"], "unexpected '--wtach', did you mean '--watch'?"),
        (["get", "slots", "a", "b"], "unexpected 'b'"),
        (["get", "slots", "--home="], "--home is empty"),
        (["get", "source", "x"], "takes no name"),
        (["get", "profiles", "-w"], "-w follows slots and events only"),
        (["get", "events", "-o", "name"], "-o name is for slots and profiles"),
        (["logs", "chat", "-n", "many"], "'many' is not a whole number"),
        (["apply", "--wait", "--timeout", "nan"], "'nan' is not a number of seconds"),
        (["apply", "--wait", "--timeout=-1"], "'-1' is not a number of seconds"),
        (["apply", "--wait", "--timeout", "1e999"], "'1e999' is not a number of seconds"),
        (["apply", "--timeout", "soon"], "'soon' is not a number of seconds"),
        (["logs", "chat", "--previous", "-f"], "cannot be followed"),
        (["resume"], "one of a SLOT, --source and --prune"),
        (["restart", "chat", "--outdated"], "either a SLOT or --outdated"),
        (["validate", "/a", "--home", "/b"], "two homes"),
        (["validate", "-"], "--as go together"),
        (["validate", "-", "--as", "../etc/passwd"], "is no file of a home"),
        (["completion"], "name a shell"),
        (["slot"], "name a command: create, edit, delete"),
        (["slot", "crate", "a"], "no 'crate', did you mean 'create'?"),
        (["slot", "create"], "the following arguments are required: NAME"),
        (["slot", "create", "a", "--devcie", "cpu"], "unexpected '--devcie', did you mean '--device'?"),
        (["slot", "create", "a", "--device", "gpu-rcom"], "no device 'gpu-rcom', did you mean 'gpu-rocm'?"),
        (["slot", "create", "a", "--port", "70000"], "'70000' is not a whole number from 0 to 65535"),
        (["slot", "edit", "a", "--enable", "--disable"], "--enable or --disable, not both"),
        (["slot", "edit", "a", "--set", "port"], "write KEY=VALUE"),
        (["capability", "set", "voice.ttz", "--on"], "no capability 'voice.ttz', did you mean 'voice.tts'?"),
        (["capability", "set", "voice.tts"], "nothing is asked of voice.tts"),
        (["capability", "set", "voice.tts", "--on", "--off"], "--on or --off, not both"),
        (["profile", "clone", "rocm"], "the following arguments are required: NAME"),
        (["\x1b[2J"], "unknown verb '\\x1b[2J'"),
    ],
)
def test_a_wrong_command_line_is_exit_2_with_what_is_wrong(hal0ctl, words, said):
    ran = hal0ctl(*words)
    assert ran.code == 2
    assert said in ran.err
    assert ran.out == ""
    assert "Traceback" not in ran.err


def test_no_operator_is_exit_1_and_says_where_it_was_looked_for(hal0ctl, tmp_path):
    ran = hal0ctl("describe", "chat", "--state-dir", str(tmp_path))
    assert ran.code == 1
    assert ran.err == (
        f"hal0ctl: no operator runs on {tmp_path}/operator.sock: start one with hal0ctl run, or name its --state-dir\n"
    )


def test_an_unexpected_exception_is_one_line_and_debug_shows_more(hal0ctl, monkeypatch):
    def broken(args, paths):
        raise RuntimeError("some\nbug \x1b[2J")

    monkeypatch.setattr("hal0_operator.cli.init.run", broken)
    assert hal0ctl("init") == (1, "", "hal0ctl: RuntimeError: some\\nbug \\x1b[2J (HAL0CTL_DEBUG=1 shows where)\n")
    monkeypatch.setenv("HAL0CTL_DEBUG", "1")
    ran = hal0ctl("init")
    assert "Traceback" in ran.err
    assert "RuntimeError: some\\nbug" in ran.err.splitlines()[-1]


def test_an_interrupt_is_130_without_a_word(hal0ctl, monkeypatch):
    def interrupted(args, paths):
        raise KeyboardInterrupt

    monkeypatch.setattr("hal0_operator.cli.init.run", interrupted)
    assert hal0ctl("init") == (130, "", "")


def hal0ctl_process(*words: str, **options) -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.support.hal0ctl", *words]
    return subprocess.Popen(command, text=True, stderr=subprocess.PIPE, **options)


def test_a_reader_that_leaves_ends_the_command_quietly(tmp_path):
    read, write = os.pipe()
    os.close(read)
    process = hal0ctl_process("--help", stdout=write)
    os.close(write)
    assert (process.wait(30), process.stderr.read()) == (141, "")
    process.stderr.close()


@pytest.mark.parametrize(("closed", "said"), [("1", ""), ("2", ""), ("0", "0 errors")])
def test_a_stream_that_the_shell_closed_is_no_traceback(home, closed, said):
    words = f"exec {sys.executable} -m tests.support.hal0ctl validate {home} {closed}>&-"
    ran = subprocess.run(["sh", "-c", words], capture_output=True, text=True, check=False, timeout=20)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert said in ran.stdout


def test_a_settings_file_without_end_is_refused_and_not_read(hal0ctl, home):
    ran = hal0ctl("validate", str(home), "--config", "/dev/zero")
    assert ran.code == 1
    assert "larger than 1 MiB" in ran.err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_output_that_the_terminal_cannot_say_is_escaped(home, encoding, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    (home / "slots" / "chat.toml").write_text('device = "gpü→"\n')
    process = hal0ctl_process("validate", str(home), stdout=subprocess.PIPE, encoding="latin-1")
    out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (1, "")
    assert "device.unknown" in out
