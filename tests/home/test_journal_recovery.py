"""What is still to be done is decided by digests alone; readers see it and repair nothing."""

import os
from pathlib import Path
from typing import Any

import pytest

from hal0_operator.changes.change_set import ChangeSet, FileChange
from hal0_operator.home.commit import Recovered, Unwritten, commit, recover, writing
from hal0_operator.home.journal import content_digest
from hal0_operator.home.lock import LockHeld, read_lock
from hal0_operator.home.read import SETTLE_S, Reader, read_once
from hal0_operator.host.fs import HostFs
from tests.home.change_sets import OLD, SCENARIOS, after, left_over, make_home, never, on_disk, seen, write
from tests.home.planted import CHAT, STAGE, entry, plant, recovered

EDITS = SCENARIOS["created, deleted, changed"]
NEW = after(OLD, EDITS)
fs = HostFs()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


# ── digests decide ─────────────────────────────────────────────────────────────────────────────


def journal_of(home: Path, edits: dict[str, bytes | None]) -> bytes:
    """What a power cut may bring back after the change set was written."""
    kept: list[bytes] = []

    class Keeping(HostFs):
        def remove(self, path: str, below: str = "") -> None:
            if path.endswith("/journal") and os.path.exists(path):
                kept.append(Path(path).read_bytes())
            super().remove(path, below)

    write(Keeping(), str(home), OLD, edits)
    return kept[-1]


def test_a_journal_that_came_back_finds_every_file_new_and_is_dropped(home: Path) -> None:
    (home / ".hal0").mkdir()
    journal = journal_of(home, EDITS)
    (home / ".hal0/journal").write_bytes(journal)
    assert seen(fs, str(home)) == NEW
    assert recovered(home) == Recovered(tuple(EDITS), (), "a test", "to see")
    assert on_disk(home) == NEW and left_over(home) == set()


@pytest.mark.parametrize("file", list(EDITS))
def test_a_journal_that_came_back_does_not_touch_a_later_edit(home: Path, file: str) -> None:
    journal = journal_of(home, EDITS)
    (home / file).write_bytes(b"# later\n")
    (home / ".hal0/journal").write_bytes(journal)
    assert seen(fs, str(home)) == NEW | {file: b"# later\n"}
    assert recovered(home) == Recovered(tuple(EDITS), (file,), "a test", "to see")
    assert on_disk(home) == NEW | {file: b"# later\n"}


def test_a_journal_that_came_back_does_not_bring_back_a_file_that_was_deleted_later(home: Path) -> None:
    journal = journal_of(home, EDITS)
    (home / CHAT).unlink()
    (home / ".hal0/journal").write_bytes(journal)
    expected = {name: data for name, data in NEW.items() if name != CHAT}
    assert seen(fs, str(home)) == expected
    assert recovered(home).overlaid == (CHAT,)
    assert on_disk(home) == expected


def test_a_journal_that_came_back_under_another_change_set_takes_nothing_of_it(home: Path) -> None:
    """Stage names are of one change set: its staged contents are no one's save to an older journal."""
    journal = journal_of(home, EDITS)
    further = ChangeSet((FileChange(CHAT, NEW[CHAT], b"further\n"),))

    class Dying(HostFs):
        def rename(self, path: str, new: str, below: str = "") -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), writing(fs, str(home), never) as held:
        commit(Dying(), held.root, further)
    (home / ".hal0/journal").write_bytes(journal)
    assert seen(fs, str(home)) == NEW
    assert recovered(home).overlaid == ()
    assert on_disk(home) == NEW and left_over(home) == set()


def test_a_journal_whose_contents_are_lost_is_void_for_every_file(home: Path) -> None:
    plant(home, entry(), entry(file="slots/x.toml", path="slots/x.toml", old=None, stage=f"{STAGE}1"), staged=None)
    assert seen(fs, str(home)) == OLD
    assert recovered(home) == Recovered((CHAT, "slots/x.toml"), void=True)
    assert on_disk(home) == OLD and left_over(home) == set()


def test_a_file_that_a_person_put_back_while_a_change_set_waited_stays(home: Path) -> None:
    plant(home, entry(), staged=OLD[CHAT])  # the old content had been taken out
    assert seen(fs, str(home)) == OLD
    assert recovered(home) == Recovered((CHAT,), (CHAT,))
    assert on_disk(home) == OLD


# ── readers ────────────────────────────────────────────────────────────────────────────────────


def test_a_reader_lays_a_journal_over_notices_its_end_and_keeps_what_is_the_same(home: Path) -> None:
    reader, now = Reader(fs, str(home)), 0.0

    def settle() -> Any:
        nonlocal now
        while not (reading := reader.look(now)).settled:
            assert reading.again_at is not None
            now = reading.again_at
        return reading.files

    first = settle()
    plant(home, entry())
    laid = settle()
    assert laid.pending and laid.files[CHAT].data == b"evil\n" and not first.pending
    assert laid.files["slots/code.toml"] is first.files["slots/code.toml"]
    assert reader.look(now + 30).files is laid
    assert recovered(home) is not None
    done = settle()
    assert not done.pending and done.files[CHAT] is laid.files[CHAT]
    plant(home, entry(old=content_digest(b"evil\n"), new=content_digest(b"more\n")), staged=b"more\n")
    assert settle().files[CHAT].data == b"more\n"
    (home / ".hal0/journal").unlink()  # it is void without having changed any file
    assert settle().files[CHAT].data == b"evil\n"


def test_every_name_that_leads_to_a_file_shows_its_new_content(home: Path) -> None:
    (home / "slots/again.toml").symlink_to("chat.toml")
    plant(home, entry())
    shown = seen(fs, str(home))
    assert shown["slots/again.toml"] == shown[CHAT] == b"evil\n"
    assert recovered(home) is not None
    assert seen(fs, str(home)) == shown


def test_staged_content_that_cannot_be_read_is_refused_and_nothing_is_removed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(home, entry())

    class Broken(HostFs):
        def read(self, path: str, limit: int, below: str = "") -> bytes:
            if self.what in path:
                raise OSError(5, "Input/output error", path)
            return super().read(path, limit, below)

    broken = Broken()
    broken.what = "/.hal0/stage/"
    files = read_once(broken, str(home)).files
    assert "Input/output error" in files[CHAT].refused and files["slots/code.toml"].data
    broken.what = "/.hal0/journal"
    assert "Input/output error" in read_once(broken, str(home)).busy
    reader = Reader(broken, str(home))
    reader.look(0)
    assert "Input/output error" in reader.look(2 * SETTLE_S).files.busy
    with pytest.raises(Unwritten, match="cannot be read"):
        recover(broken, str(home))


def test_a_reader_without_rights_to_the_writers_folder_reads_the_rest(home: Path) -> None:
    plant(home, entry())

    class Closed(HostFs):
        def stat(self, path: str) -> Any:
            if "/.hal0/" in path:
                raise PermissionError(13, "Permission denied", path)
            return super().stat(path)

    assert seen(Closed(), str(home)) == OLD


# ── waiting for the lock ───────────────────────────────────────────────────────────────────────


def test_a_writer_waits_for_readers_and_gives_up_after_five_seconds(home: Path) -> None:
    with writing(fs, str(home), never):
        pass
    reading = read_lock(fs, str(home))
    waited: list[float] = []
    with pytest.raises(LockHeld), writing(fs, str(home), waited.append):
        pass
    assert sum(waited) == pytest.approx(5)

    def until_read(seconds: float) -> None:
        waited.append(seconds)
        reading.release()

    waited.clear()
    with writing(fs, str(home), until_read) as held:
        assert held.root == str(home)
    assert len(waited) == 1


def test_a_home_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unwritten, match="there is no such home"), writing(fs, str(tmp_path / "nowhere"), never):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_is_turned_while_a_writer_waits_is_written_where_it_leads_then(home: Path, tmp_path: Path) -> None:
    other = make_home(tmp_path / "other")
    link = tmp_path / "current"
    link.symlink_to("home")
    with writing(fs, str(link), never):
        pass
    reading = read_lock(fs, str(home))

    def turn(seconds: float) -> None:
        link.unlink()
        link.symlink_to("other")
        reading.release()

    with writing(fs, str(link), turn) as held:
        assert held.root == str(other)
