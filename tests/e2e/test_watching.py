"""The home is watched through everything that an editor, git or a person does to its folders."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.awaited import converged
from tests.support.operator_process import OperatorProcess

SOON = 2.0
"""Seconds within which a change must have reached the loop; the timer of these scenarios is far slower."""


@pytest.fixture
def unhurried(operator: OperatorProcess) -> OperatorProcess:
    """All Ready, with a timer that helps nobody here."""
    operator.configure(loop={"resync_s": 600.0})
    operator.start()
    converged(operator)
    return operator


def edit(home: Path, number: int, slot: str = "chat") -> None:
    """A change that asks nothing of a container: another start-up deadline."""
    path = home / "slots" / f"{slot}.toml"
    staged = path.with_name("4913")
    text = path.read_text().partition("[operator]")[0]
    staged.write_text(f"{text}[operator]\nready_timeout_s = {number}\n")
    staged.replace(path)


def observed(operator: OperatorProcess, change: Callable[[], None], slot: str = "chat", seconds: float = SOON) -> None:
    """The slot acts on another generation soon after ``change``."""
    before = operator.slots()[slot]["observedGeneration"]
    change()
    operator.until(
        lambda slots: (
            slots[slot]["observedGeneration"] not in ("", before)
            and slots[slot]["observedGeneration"] == slots[slot]["generation"]
        ),
        seconds,
    )


def git(home: Path, *words: str) -> None:
    identity = ("-c", "user.name=A Person", "-c", "user.email=person@example.org")
    done = subprocess.run(["git", "-C", str(home), *identity, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"


def test_every_atomic_save_is_seen_and_not_only_the_first(unhurried: OperatorProcess) -> None:
    before = unhurried.cids()
    for number in range(100, 105):
        observed(unhurried, lambda number=number: edit(unhurried.home.path, number))
    assert unhurried.cids() == before


def test_edits_are_seen_after_git_made_the_slots_folder_anew(unhurried: OperatorProcess) -> None:
    home, before = unhurried.home.path, unhurried.cids()
    git(home, "init", "--quiet")
    git(home, "add", ".")
    git(home, "commit", "--quiet", "--message", "all")
    observed(unhurried, lambda: edit(home, 100))

    def checkout() -> None:
        shutil.rmtree(home / "slots")
        git(home, "checkout", "--quiet", "--", "slots")

    observed(unhurried, checkout)
    observed(unhurried, lambda: edit(home, 101))
    observed(unhurried, lambda: edit(home, 102, "code"), "code")
    assert unhurried.cids() == before


def test_edits_are_seen_after_another_slots_folder_took_the_place(unhurried: OperatorProcess) -> None:
    home, before = unhurried.home.path, unhurried.cids()
    shutil.copytree(home / "slots", home / "slots.new")
    edit_of_copy = home / "slots.new" / "chat.toml"
    edit_of_copy.write_text(f"{edit_of_copy.read_text()}[operator]\nready_timeout_s = 100\n")

    def replace() -> None:
        (home / "slots").rename(home / "slots.old")
        (home / "slots.new").rename(home / "slots")

    observed(unhurried, replace)
    observed(unhurried, lambda: edit(home, 101))
    observed(unhurried, lambda: edit(home, 102))
    assert unhurried.cids() == before


def test_edits_are_seen_after_a_copy_took_the_place_of_the_whole_home(running: OperatorProcess) -> None:
    home, before = running.home.path, running.cids()
    copy = home.with_name("copy")
    shutil.copytree(home, copy)
    home.rename(home.with_name("away"))
    copy.rename(home)
    observed(running, lambda: edit(home, 100), seconds=10)  # within a timer period at worst, and a busy machine
    observed(running, lambda: edit(home, 101))
    assert running.cids() == before


def test_a_home_that_is_away_for_a_while_removes_nothing(running: OperatorProcess) -> None:
    home, before = running.home.path, running.cids()
    home.rename(home.with_name("away"))
    running.until_condition("chat", "PruneHeld")
    assert running.cids() == before
    home.with_name("away").rename(home)
    observed(running, lambda: edit(home, 100), seconds=10)
    assert converged(running) == before


def test_a_rebase_of_twenty_commits_is_never_disturbed_and_its_end_is_what_counts(running: OperatorProcess) -> None:
    home, before = running.home.path, running.cids()
    git(home, "init", "--quiet")
    git(home, "add", ".")
    git(home, "commit", "--quiet", "--message", "all")
    for number in range(100, 120):
        edit(home, number)
        git(home, "commit", "--quiet", "--all", "--message", f"deadline {number}")
    for _ in range(20):
        git(home, "rebase", "--quiet", "--force-rebase", "HEAD~20")
    assert converged(running) == before
    assert running.slots()["chat"]["generation"] == running.slots()["chat"]["observedGeneration"]

    def written() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in sorted((home / ".git").rglob("*"))}

    untouched = written()
    edit(home, 200)
    converged(running)
    assert written() == untouched, "git's own folder is the user's"
