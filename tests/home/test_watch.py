"""Every way in which people and programs change a home is told within moments, or found by the timer."""

import contextlib
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
import pytest

from hal0_operator.changes.change_set import ChangeSet, FileChange
from hal0_operator.home.commit import commit, writing
from hal0_operator.home.watch import Watch
from hal0_operator.host.fs import HostFs
from hal0_operator.seams.fs import Stat

pytestmark = pytest.mark.anyio
GIT = ("git", "-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "init.defaultBranch=main")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    (home / "slots").mkdir(parents=True)
    (home / "slots" / "chat.toml").write_text("port = 8101\n")
    return home


class Hints:
    """Counts hints and reports; waiting for the next one is an event, not a nap."""

    def __init__(self) -> None:
        self.count = 0
        self.reports: list[str] = []
        self._changed = anyio.Event()

    def hint(self) -> None:
        self.count += 1
        self._changed.set()

    def report(self, text: str) -> None:
        self.reports.append(text)
        self._changed.set()

    async def until(self, wanted: Callable[[], bool]) -> None:
        with anyio.fail_after(30):
            while not wanted():
                self._changed = anyio.Event()
                await self._changed.wait()

    async def after(self, change: Callable[[], object]) -> None:
        """Make a change and wait until it was told."""
        before = self.count
        change()
        await self.until(lambda: self.count > before)


@contextlib.asynccontextmanager
async def watched(home: Path, fs: HostFs | None = None) -> AsyncIterator[tuple[Watch, Hints]]:
    hints = Hints()
    watch = Watch(fs or HostFs(), str(home), hints.hint, hints.report)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch.run)
        await hints.until(lambda: bool(hints.reports))
        yield watch, hints
        tasks.cancel_scope.cancel()


def atomic_save(path: Path, text: str) -> None:
    staged = path.with_name(path.name + ".tmp")
    staged.write_text(text)
    staged.rename(path)


async def test_a_watch_that_begins_is_a_hint_since_nobody_saw_what_was_before(home: Path) -> None:
    async with watched(home) as (watch, hints):
        await hints.until(lambda: hints.count == 1)
        assert hints.reports == [""]
        assert not watch.rearm_needed()


async def test_atomic_saves_and_overwrites_are_told_again_and_again(home: Path) -> None:
    chat = home / "slots" / "chat.toml"
    async with watched(home) as (_, hints):
        for port in range(5):
            await hints.after(lambda: atomic_save(chat, f"port = {port}\n"))
            await hints.after(lambda: chat.write_text(f"port = 9{port}\n"))


@pytest.mark.parametrize("name", ["profiles.toml", "capabilities.toml", "slots/new.toml"])
async def test_each_kind_of_file_counts_when_it_comes_and_when_it_goes(home: Path, name: str) -> None:
    async with watched(home) as (_, hints):
        await hints.after(lambda: (home / name).write_text("x = 1\n"))
        await hints.after((home / name).unlink)


async def test_what_is_no_file_of_a_home_is_not_told(home: Path) -> None:
    (home / ".git").mkdir()
    async with watched(home) as (_, hints):
        before = hints.count
        for name in (
            "slots/chat.toml~",
            "slots/.chat.toml.swp",
            "slots/4913",
            "README.md",
            ".git/index.lock",
            "x.toml",
        ):
            (home / name).write_text("x")
        (home / "slots" / ".#chat.toml").symlink_to("user@host.1:2")
        # The next counted change comes after all of these in the same queue.
        await hints.after(lambda: (home / "profiles.toml").write_text(""))
        assert hints.count == before + 1


async def test_a_replaced_slots_folder_is_watched_anew(home: Path) -> None:
    async with watched(home) as (watch, hints):
        (home / "new").mkdir()

        def replace() -> None:
            (home / "slots").rename(home / "old")
            (home / "new").rename(home / "slots")

        await hints.after(replace)
        await settled(watch, hints)
        await hints.after(lambda: (home / "slots" / "a.toml").write_text("a = 1\n"))


async def test_a_removed_and_checked_out_folder_is_watched_anew(home: Path) -> None:
    for words in (("init",), ("add", "."), ("commit", "-m", "x")):
        subprocess.run((*GIT, *words), cwd=home, check=True, capture_output=True)
    async with watched(home) as (watch, hints):

        def check_out() -> None:
            shutil.rmtree(home / "slots")
            subprocess.run((*GIT, "checkout", "--", "slots"), cwd=home, check=True, capture_output=True)

        await hints.after(check_out)
        await settled(watch, hints)
        await hints.after(lambda: atomic_save(home / "slots" / "chat.toml", "port = 1\n"))


async def settled(watch: Watch, hints: Hints) -> None:
    """What the timer does: ask for a new watch until none is needed."""
    while watch.rearm_needed():
        arms = len(hints.reports)
        watch.rearm()
        await hints.until(lambda: len(hints.reports) > arms)


async def test_a_flipped_link_is_told_and_its_new_folder_watched(tmp_path: Path) -> None:
    for release in ("1", "2"):
        (tmp_path / release / "slots").mkdir(parents=True)
    home = tmp_path / "current"
    home.symlink_to("1")

    def flip() -> None:
        (tmp_path / "next").symlink_to("2")
        (tmp_path / "next").rename(home)

    async with watched(home) as (watch, hints):
        await hints.after(flip)
        await settled(watch, hints)
        await hints.after(lambda: (tmp_path / "2" / "slots" / "a.toml").write_text("a = 1\n"))


async def test_beside_a_linked_home_nothing_counts(tmp_path: Path) -> None:
    (tmp_path / "1" / "slots").mkdir(parents=True)
    (tmp_path / "current").symlink_to("1")
    async with watched(tmp_path / "current") as (_, hints):
        before = hints.count
        (tmp_path / "other").mkdir()
        (tmp_path / "profiles.toml").touch()
        await hints.after(lambda: (tmp_path / "1" / "profiles.toml").write_text(""))
        assert hints.count == before + 1


async def test_a_home_moved_away_and_a_copy_in_its_place_is_found_by_the_timer(home: Path, tmp_path: Path) -> None:
    async with watched(home) as (watch, hints):
        home.rename(tmp_path / "away")
        shutil.copytree(tmp_path / "away", home)
        assert watch.rearm_needed()
        await settled(watch, hints)
        await hints.after(lambda: atomic_save(home / "slots" / "chat.toml", "port = 1\n"))


async def test_a_home_that_comes_later_is_reported_and_then_watched(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with watched(home) as (watch, hints):
        assert "is not there" in hints.reports[0] and "timer" in hints.reports[0]
        (home / "slots").mkdir(parents=True)
        watch.rearm()
        await hints.until(lambda: hints.reports[-1] == "")
        await hints.after(lambda: (home / "slots" / "a.toml").write_text("a = 1\n"))


async def test_a_folder_made_anew_is_watched_although_it_got_the_inode_of_the_removed_one(home: Path) -> None:
    class Reused(HostFs):
        """Every folder has one and the same inode, as a file system may well give it out again."""

        def stat(self, path: str) -> Stat | None:
            found = super().stat(path)
            return found if found is None or found.kind != "dir" else found._replace(ino=7)

    async with watched(home, Reused()) as (_, hints):

        def anew() -> None:
            shutil.rmtree(home / "slots")
            (home / "slots").mkdir()

        arms = len(hints.reports)
        anew()
        await hints.until(lambda: len(hints.reports) > arms)
        await hints.after(lambda: atomic_save(home / "slots" / "chat.toml", "port = 1\n"))
        await hints.after(lambda: atomic_save(home / "slots" / "chat.toml", "port = 2\n"))


async def test_a_slots_folder_that_comes_while_the_watch_is_armed_is_watched(home: Path) -> None:
    """Between the look at the folders and the first change that the kernel tells nobody sees anything."""
    shutil.move(home / "slots", home / "slots.new")

    class Late(HostFs):
        """The folder comes right after it was looked for."""

        def stat(self, path: str) -> Stat | None:
            found = super().stat(path)
            if path == f"{home}/slots" and found is None and (home / "slots.new").exists():
                shutil.move(home / "slots.new", home / "slots")
            return found

    async with watched(home, Late()) as (_, hints):
        await hints.until(lambda: hints.count >= 2)
        await hints.after(lambda: atomic_save(home / "slots" / "chat.toml", "port = 1\n"))
        await hints.after(lambda: atomic_save(home / "slots" / "chat.toml", "port = 2\n"))


async def test_a_change_set_wakes_by_its_files_alone(home: Path) -> None:
    edits = {"slots/chat.toml": (b"port = 8101\n", b"port = 8201\n")}
    fs = HostFs()
    async with watched(home) as (_, hints):
        before = hints.count
        with writing(fs, str(home), lambda _: None):  # makes the folder `.hal0`, and what is in it
            pass
        (home / ".hal0" / "journal").write_text("left")
        with writing(fs, str(home), lambda _: None):
            pass
        await hints.after(lambda: (home / "profiles.toml").write_text(""))
        assert hints.count == before + 1
        changes = tuple(FileChange(file, old, new) for file, (old, new) in edits.items())

        def write() -> None:
            with writing(fs, str(home), lambda _: None) as held:
                commit(fs, held.root, ChangeSet(changes))

        await hints.after(write)
    assert (home / "slots" / "chat.toml").read_bytes() == b"port = 8201\n"


async def test_a_slots_folder_that_comes_later_is_watched(home: Path) -> None:
    shutil.rmtree(home / "slots")
    async with watched(home) as (watch, hints):
        await hints.after((home / "slots").mkdir)
        await settled(watch, hints)
        await hints.after(lambda: (home / "slots" / "a.toml").write_text("a = 1\n"))


EXHAUSTED = """
import sys
import anyio
from hal0_operator.home.watch import Watch
from hal0_operator.host.fs import HostFs

LIMIT = "/proc/sys/user/max_inotify_instances"

def limit(number):
    with open(LIMIT, "w") as file:
        file.write(str(number))

async def main(home):
    reports, changed = [], anyio.Event()
    def report(text):
        reports.append(text)
        changed.set()
    limit(0)
    watch = Watch(HostFs(), home, lambda: None, report)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch.run)
        await changed.wait()
        assert "cannot be watched" in reports[0] and "timer" in reports[0], reports
        limit(16)
        changed = anyio.Event()
        watch.rearm()
        await changed.wait()
        assert reports[-1] == "", reports
        print(reports[0])
        tasks.cancel_scope.cancel()

anyio.run(main, sys.argv[1])
"""


async def test_without_inotify_instances_it_warns_and_recovers_by_the_timer(home: Path) -> None:
    """In a user namespace of its own, whose limit is nobody else's."""
    done = await anyio.run_process(
        ["unshare", "--user", "--map-root-user", sys.executable, "-c", EXHAUSTED, str(home)], check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert "cannot be watched" in done.stdout.decode()
