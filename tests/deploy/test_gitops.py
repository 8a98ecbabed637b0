"""The pre-commit hook and the CI job are run as they are shipped, in a real checkout."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

GITOPS = Path(__file__).parents[2] / "deploy" / "gitops"
JOB = (GITOPS / "github-actions.yml").read_text()
HOOK = (GITOPS / ".pre-commit-hooks.yaml").read_text()
GOOD = 'port = 8101\n[model]\ndefault = "one"\n'


class Checkout:
    """``run`` runs a step in it, with the package's own hal0ctl on the PATH."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "slots").mkdir(parents=True)
        self.summary = root.parent / "summary.md"
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        done = subprocess.run(("git", "-C", self.root, *identity, *words), check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, text: str) -> str:
        (self.root / "slots" / "chat.toml").write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "a change")
        return self.git("rev-parse", "HEAD")

    def run(self, script: str, base: str = "") -> subprocess.CompletedProcess[str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environ = {"PATH": path, "HOME_DIR": ".", "BASE": base, "GITHUB_STEP_SUMMARY": str(self.summary)}
        words = ("bash", "-e", "-c", script)
        return subprocess.run(words, cwd=self.root, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "repository")


def step(name: str) -> str:
    """The script of a step: one line, or a block."""
    found = re.search(rf"- name: {name}\n(?:\s+#.*\n)*\s+run: (?:\|\n((?: {{10}}.*\n)+)|(.*)\n)", JOB)
    assert found is not None, name
    return re.sub(r"^ {10}", "", found[1], flags=re.M) if found[1] else found[2]


def hook() -> str:
    entry, args = re.search(r"entry: (.*)", HOOK), re.search(r"^  args: \[(.*)\]$", HOOK, re.M)
    assert entry is not None
    assert args is not None
    return f"{entry[1]} {shlex.quote(args[1].strip(chr(34)))}"


def test_a_good_home_passes_the_hook_and_the_job(checkout: Checkout) -> None:
    checkout.commit(GOOD)
    for script in (hook(), step("Validate")):
        done = checkout.run(script)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_bad_home_fails_both_and_the_job_points_at_the_line(checkout: Checkout) -> None:
    checkout.commit(GOOD + "colour = 3\n")
    assert checkout.run(hook()).returncode == 1
    done = checkout.run(step("Validate"))
    assert done.returncode == 1
    assert re.search(r"^::error file=.*slots/chat.toml,line=4,", done.stdout, re.M), done.stdout


def test_what_only_git_forbids_fails_too(checkout: Checkout) -> None:
    slot = checkout.root / "slots" / "stt.toml"
    slot.write_text('type = "transcription"\ndevice = "cpu"\nenabled = false\n[model]\ndefault = "m"\n')
    (checkout.root / "capabilities.toml").write_text(
        '[selections.voice.stt]\nenabled = true\ndevice = "cpu"\nmodel = "m"\n'
    )
    done = checkout.run(hook())
    assert done.returncode == 1
    assert "capability.conflict" in done.stdout


def test_the_plan_goes_into_the_summary_and_differences_are_no_failure(checkout: Checkout) -> None:
    base = checkout.commit(GOOD)
    checkout.commit(GOOD.replace("one", "two"))
    done = checkout.run(step("Plan"), base)
    assert done.returncode == 0, done.stderr
    assert "! swap chat" in checkout.summary.read_text()


def test_nothing_that_is_committed_says_what_the_plan_compares(checkout: Checkout) -> None:
    base = checkout.commit(GOOD)
    for name in (base, "HEAD", "main"):
        (checkout.root / name / "slots").mkdir(parents=True)
        (checkout.root / name / "slots" / "chat.toml").write_text(GOOD)
    inner = checkout.root.parent / "inner"
    subprocess.run(("git", "clone", "-q", "--bare", checkout.root, inner), check=True)
    for name in ("config", "objects", "refs", "packed-refs"):
        (inner / name).rename(checkout.root / name)
    checkout.git("tag", "HEAD", base)
    tip = checkout.commit(GOOD.replace("one", "two"))
    checkout.git("tag", tip, base)
    done = checkout.run(step("Plan"), base)
    assert done.returncode == 0, done.stderr
    assert "! swap chat" in checkout.summary.read_text()


def test_a_plan_of_a_bad_home_fails(checkout: Checkout) -> None:
    base = checkout.commit(GOOD)
    checkout.commit("device = \n")
    assert checkout.run(step("Plan"), base).returncode == 1
    assert "refused as a whole" in checkout.summary.read_text()


def test_a_first_push_has_nothing_to_compare_with(checkout: Checkout) -> None:
    checkout.commit(GOOD)
    assert checkout.run(step("Plan"), "0" * 40).returncode == 0


def test_the_hook_runs_for_a_commit_that_only_deletes(checkout: Checkout) -> None:
    profile = '[profile.mine]\nimage = "localhost/a:1"\n'
    (checkout.root / "profiles.toml").write_text(profile)
    checkout.commit(GOOD.replace("port", 'profile = "mine"\nport'))
    assert checkout.run(hook()).returncode == 0
    checkout.git("rm", "-q", "profiles.toml")
    assert checkout.git("diff", "--staged", "--name-only", "--diff-filter=ACMRTUXB") == ""  # what pre-commit looks at
    assert re.search(r"^  always_run: true$", HOOK, re.M)
    assert not re.search(r"^  (files|types|types_or|exclude): ", HOOK, re.M)
    assert checkout.run(hook()).returncode == 1
