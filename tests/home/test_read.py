"""A home counts as it stands still; everything else waits or is refused, and nothing ever raises."""

import pytest

from hal0_operator.desired.source import HomeFiles
from hal0_operator.home import scan as scanning
from hal0_operator.home.read import (
    LOCK_POLL_S,
    PATIENCE_S,
    SETTLE_S,
    UNFINISHED_S,
    Reader,
    Reading,
    read_once,
)
from tests.home.memory_fs import MemoryFs

HOME = "/etc/hal0"
CHAT = f"{HOME}/slots/chat.toml"
LOCK = f"{HOME}/.hal0/lock"


@pytest.fixture
def fs() -> MemoryFs:
    fs = MemoryFs()
    fs.put(CHAT, "port = 8101\n")
    fs.put(f"{HOME}/slots/code.toml", "port = 8102\n")
    return fs


class Looking:
    """A reader with its own clock; ``settle`` looks when told to, until a reading settles."""

    def __init__(self, fs: MemoryFs, home: str = HOME) -> None:
        self.reader = Reader(fs, home)
        self.now = 100.0

    def look(self, after: float = 0.0) -> Reading:
        self.now += after
        return self.reader.look(self.now)

    def settle(self, limit: float = 1.0) -> HomeFiles:
        end = self.now + limit
        reading = self.look()
        while not reading.settled:
            assert reading.again_at is not None and reading.again_at > self.now, "a wait must end later"
            assert reading.again_at <= end, f"not settled within {limit} s: {reading.files.busy}"
            self.now = reading.again_at
            reading = self.look()
        return reading.files


@pytest.fixture
def looking(fs: MemoryFs) -> Looking:
    return Looking(fs)


def texts(files: HomeFiles) -> dict[str, str]:
    return {name: file.refused or file.data.decode() for name, file in files.files.items()}


# ── standing still ─────────────────────────────────────────────────────────────────────────────


def test_the_first_look_never_settles_and_must_not_be_acted_on(looking: Looking) -> None:
    reading = looking.look()
    assert not reading.settled
    assert reading.files.busy
    assert reading.again_at == looking.now + SETTLE_S


def test_a_home_counts_at_the_second_look_and_not_before_it(looking: Looking) -> None:
    looking.look()
    assert not looking.look(after=SETTLE_S / 2).settled
    assert texts(looking.settle()) == {"slots/chat.toml": "port = 8101\n", "slots/code.toml": "port = 8102\n"}


def test_a_file_is_read_only_once_it_stood_still(fs: MemoryFs, looking: Looking) -> None:
    looking.look()
    assert fs.reads == []
    looking.settle()
    assert len(fs.reads) == 2


def test_nothing_changed_gives_the_same_object_and_reads_nothing(fs: MemoryFs, looking: Looking) -> None:
    before = looking.settle()
    fs.reads.clear()
    reading = looking.look(after=30)
    assert reading.settled and reading.files is before
    assert fs.reads == []


def test_an_unchanged_file_keeps_its_identity_beside_a_changed_one(fs: MemoryFs, looking: Looking) -> None:
    before = looking.settle()
    fs.put(CHAT, "port = 8109\n")
    after = looking.settle()
    assert after.files["slots/code.toml"] is before.files["slots/code.toml"]
    assert after.files["slots/chat.toml"].data == b"port = 8109\n"


def test_a_touched_file_keeps_its_identity(fs: MemoryFs, looking: Looking) -> None:
    before = looking.settle()
    fs.touch(CHAT)
    assert looking.settle().files["slots/chat.toml"] is before.files["slots/chat.toml"]


@pytest.mark.parametrize("change", ["overwrite", "put"], ids=["same inode, same size", "atomic save"])
def test_every_kind_of_save_is_seen(fs: MemoryFs, looking: Looking, change: str) -> None:
    looking.settle()
    getattr(fs, change)(CHAT, "port = 8199\n")
    assert looking.settle().files["slots/chat.toml"].data == b"port = 8199\n"


def test_a_change_between_looks_starts_the_wait_again(fs: MemoryFs, looking: Looking) -> None:
    looking.settle()
    fs.put(CHAT, "port = 1\n")
    looking.look()
    fs.put(CHAT, "port = 2\n")
    reading = looking.look(after=SETTLE_S)
    assert not reading.settled and reading.again_at == looking.now + SETTLE_S
    assert looking.settle().files["slots/chat.toml"].data == b"port = 2\n"


def test_while_it_waits_the_last_settled_reading_stands(fs: MemoryFs, looking: Looking) -> None:
    before = looking.settle()
    fs.put(CHAT, "port = 1\n")
    reading = looking.look()
    assert not reading.settled and reading.files is before


def test_a_file_changed_while_it_was_read_is_read_again(fs: MemoryFs, looking: Looking) -> None:
    looking.settle()
    fs.put(CHAT, "port = 1\n")
    looking.look()

    def meddle(path: str) -> None:
        fs.before_read = None
        fs.put(CHAT, "port = 2\n")

    fs.before_read = meddle
    assert not looking.look(after=SETTLE_S).settled
    assert looking.settle().files["slots/chat.toml"].data == b"port = 2\n"


def test_several_files_written_one_after_the_other_count_together(fs: MemoryFs, looking: Looking) -> None:
    looking.settle()
    fs.put(f"{HOME}/profiles.toml", "[profile.new]\n")
    assert not looking.look().settled
    fs.put(CHAT, 'profile = "new"\n')
    assert not looking.look(after=SETTLE_S * 0.9).settled
    assert not looking.look(after=SETTLE_S * 0.9).settled
    assert set(looking.settle().files) == {"profiles.toml", "slots/chat.toml", "slots/code.toml"}


# ── half written ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", ["port = 81", ""], ids=["cut off", "truncated to nothing"])
def test_a_file_without_a_final_newline_stands_still_for_two_seconds_first(
    fs: MemoryFs, looking: Looking, text: str
) -> None:
    before = looking.settle()
    fs.overwrite(CHAT, text)
    looking.look()
    reading = looking.look(after=SETTLE_S)
    assert not reading.settled
    assert "slots/chat.toml" in reading.files.busy
    assert reading.files.files == before.files
    assert not looking.look(after=UNFINISHED_S - 2 * SETTLE_S).settled
    assert looking.settle().files["slots/chat.toml"].data == text.encode()


def test_the_rest_of_a_half_written_file_costs_nothing(fs: MemoryFs, looking: Looking) -> None:
    looking.settle()
    fs.overwrite(CHAT, "port = 81")
    looking.look()
    looking.look(after=1.5)
    fs.overwrite(CHAT, "port = 8105\n")
    assert looking.settle(limit=2 * SETTLE_S).files["slots/chat.toml"].data == b"port = 8105\n"


def test_a_home_in_which_something_always_changes_counts_after_a_minute(fs: MemoryFs, looking: Looking) -> None:
    looking.settle()
    fs.put(f"{HOME}/slots/new.toml", "port = 8103\n")
    begun = looking.now
    while not (reading := looking.look(after=0.02)).settled:
        fs.overwrite(CHAT, f"port = {looking.now}\n")
    assert looking.now - begun == pytest.approx(PATIENCE_S, abs=1)
    assert reading.files.files["slots/new.toml"].data == b"port = 8103\n"


# ── what is gone ───────────────────────────────────────────────────────────────────────────────


def test_a_missing_slots_folder_is_told_apart_from_an_empty_one(fs: MemoryFs, looking: Looking) -> None:
    looking.settle()
    fs.move(f"{HOME}/slots", f"{HOME}/slots.old")
    assert looking.settle().slots_folder is False
    fs.folder(f"{HOME}/slots")
    gone = looking.settle()
    assert gone.slots_folder is True and gone.files == {}


def test_a_home_moved_away_and_back_is_read_again(fs: MemoryFs, looking: Looking) -> None:
    before = looking.settle()
    fs.move(HOME, "/etc/away")
    assert looking.settle() == HomeFiles({}, slots_folder=False)
    fs.move("/etc/away", HOME)
    assert looking.settle() == before


def test_a_vanished_file_counts_as_gone_only_when_that_stands_still(fs: MemoryFs, looking: Looking) -> None:
    looking.settle()
    fs.delete(CHAT)
    assert not looking.look().settled
    fs.put(CHAT, "port = 1\n")
    assert "slots/chat.toml" in looking.settle().files


# ── what does not count, and what is refused ───────────────────────────────────────────────────


def test_editors_backups_and_foreign_files_neither_count_nor_trigger(fs: MemoryFs, looking: Looking) -> None:
    before = looking.settle()
    for name in ("chat.toml~", "chat.toml.bak", ".chat.toml.swp", "4913", "#chat.toml#", "chat.toml.tmp", "notes.txt"):
        fs.put(f"{HOME}/slots/{name}")
    fs.link(f"{HOME}/slots/.#chat.toml", "user@host.1:2")
    fs.link(f"{HOME}/slots/soon.toml", "not-here-yet")
    fs.put(f"{HOME}/README.md")
    assert looking.look().files is before


@pytest.mark.parametrize(
    "target", ["/etc/shadow", "../../shadow", "../../../../../etc/shadow", "hop.toml", "/etc/hal0/../shadow"]
)
def test_a_link_out_of_the_home_is_refused_and_never_read_or_quoted(
    fs: MemoryFs, looking: Looking, target: str
) -> None:
    fs.put("/etc/shadow", "root:secret\n")
    fs.link(f"{HOME}/slots/hop.toml", "/etc/shadow")
    fs.link(CHAT, target)
    file = looking.settle().files["slots/chat.toml"]
    assert "leaves the home" in file.refused and "shadow" not in file.refused
    assert file.data == b"" and not any("shadow" in path for path in fs.reads)


@pytest.mark.parametrize(
    "target", ["../shared/chat.toml", "/etc/hal0/shared/chat.toml", "../slots/../shared/chat.toml"]
)
def test_a_link_inside_the_home_is_followed(fs: MemoryFs, looking: Looking, target: str) -> None:
    fs.put(f"{HOME}/shared/chat.toml", "port = 8111\n")
    fs.link(CHAT, target)
    assert looking.settle().files["slots/chat.toml"].data == b"port = 8111\n"
    fs.overwrite(f"{HOME}/shared/chat.toml", "port = 8112\n")
    assert looking.settle().files["slots/chat.toml"].data == b"port = 8112\n"


def test_links_in_a_circle_lead_nowhere(fs: MemoryFs, looking: Looking) -> None:
    fs.link(CHAT, "code.toml")
    fs.link(f"{HOME}/slots/code.toml", "chat.toml")
    assert looking.settle().files == {}


def test_a_slots_folder_that_leaves_the_home_counts_as_missing_with_a_reason(fs: MemoryFs, looking: Looking) -> None:
    fs.move(f"{HOME}/slots", "/srv/slots")
    fs.link(f"{HOME}/slots", "/srv/slots")
    files = looking.settle()
    assert files.slots_folder is False
    assert "leaves the home" in files.files["slots"].refused


def test_a_slots_folder_linked_within_the_home_is_read(fs: MemoryFs, looking: Looking) -> None:
    fs.move(f"{HOME}/slots", f"{HOME}/v2")
    fs.link(f"{HOME}/slots", "v2")
    assert texts(looking.settle())["slots/chat.toml"] == "port = 8101\n"


def test_a_flipped_home_is_read_from_its_new_folder(fs: MemoryFs) -> None:
    for release, port in (("1", 8101), ("2", 8102)):
        fs.put(f"/srv/releases/{release}/slots/chat.toml", f"port = {port}\n")
    fs.link("/srv/current", "releases/1")
    looking = Looking(fs, "/srv/current")
    assert texts(looking.settle()) == {"slots/chat.toml": "port = 8101\n"}
    fs.link("/srv/current", "releases/2")
    assert texts(looking.settle()) == {"slots/chat.toml": "port = 8102\n"}


@pytest.mark.parametrize("kind", ["dir", "other"])
def test_what_is_no_regular_file_is_refused_unread(fs: MemoryFs, looking: Looking, kind: str) -> None:
    fs.put(f"{HOME}/slots/odd.toml", kind=kind)
    file = looking.settle().files["slots/odd.toml"]
    assert "not a regular file" in file.refused
    assert f"{HOME}/slots/odd.toml" not in fs.reads


def test_a_file_beyond_the_limit_is_refused_unread_and_the_others_count(fs: MemoryFs, looking: Looking) -> None:
    fs.put(CHAT, b"#" * (scanning.FILE_LIMIT + 1))
    files = looking.settle()
    assert str(scanning.FILE_LIMIT) in files.files["slots/chat.toml"].refused
    assert CHAT not in fs.reads
    assert files.files["slots/code.toml"].data


def test_too_many_slot_files_remove_nothing(fs: MemoryFs, looking: Looking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "FILES_LIMIT", 1)
    files = looking.settle()
    assert files.slots_folder is False and "more than 1" in files.files["slots"].refused


def test_a_home_too_large_in_all_is_read_up_to_the_limit(
    fs: MemoryFs, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "TOTAL_LIMIT", 15)
    files = looking.settle().files
    assert files["slots/chat.toml"].data and "together" in files["slots/code.toml"].refused


def test_an_undecodable_name_is_escaped_and_still_read(fs: MemoryFs, looking: Looking) -> None:
    fs.put(f"{HOME}/slots/caf\udce9.toml", "port = 1\n")
    assert texts(looking.settle())["slots/caf\\udce9.toml"] == "port = 1\n"


def test_an_unreadable_file_is_refused_with_the_reason_and_tried_again(fs: MemoryFs, looking: Looking) -> None:
    fs.nodes[CHAT].error = PermissionError(13, "Permission denied", CHAT)
    assert looking.settle().files["slots/chat.toml"].refused == "cannot be read: Permission denied"
    fs.nodes[CHAT].error = None
    assert looking.settle().files["slots/chat.toml"].data == b"port = 8101\n"


def test_an_unreadable_slots_folder_removes_nothing(fs: MemoryFs, looking: Looking) -> None:
    fs.nodes[f"{HOME}/slots"].error = OSError(5, "Input/output error")
    files = looking.settle()
    assert files.slots_folder is False
    assert "Input/output error" in files.files["slots"].refused


# ── git at work ────────────────────────────────────────────────────────────────────────────────

PLACES = {
    "in the home": (f"{HOME}/.git", f"{HOME}/.git"),
    "above the home": ("/etc/.git", "/etc/.git"),
    "elsewhere, absolute": (f"{HOME}/.git", "/srv/repo/.git/worktrees/hal0"),
    "elsewhere, relative": (f"{HOME}/.git", "/srv/repo/.git/modules/hal0"),
}


@pytest.fixture(params=PLACES)
def git_folder(request: pytest.FixtureRequest, fs: MemoryFs) -> str:
    dot, folder = PLACES[request.param]
    fs.folder(folder)
    if dot != folder:
        target = folder if request.param.endswith("absolute") else "../../srv/repo/.git/modules/hal0"
        fs.put(dot, f"gitdir: {target}\n")
    return folder


@pytest.mark.parametrize("marker", ["index.lock", "rebase-merge", "rebase-apply"])
def test_while_git_works_the_home_waits(fs: MemoryFs, looking: Looking, git_folder: str, marker: str) -> None:
    before = looking.settle()
    fs.put(f"{git_folder}/{marker}")
    fs.delete(CHAT)
    reading = looking.look()
    assert not reading.settled and marker in reading.files.busy
    assert reading.files.files == before.files
    assert not looking.look(after=30).settled
    fs.put(CHAT, "port = 8105\n")
    fs.delete(f"{git_folder}/{marker}")
    assert looking.settle().files["slots/chat.toml"].data == b"port = 8105\n"


def test_git_that_does_not_move_for_a_minute_is_waited_for_no_longer(fs: MemoryFs, looking: Looking) -> None:
    looking.settle()
    fs.put(f"{HOME}/.git/index.lock")
    fs.put(CHAT, "port = 8105\n")
    begun = looking.now
    assert looking.settle(limit=70).files["slots/chat.toml"].data == b"port = 8105\n"
    assert looking.now - begun == pytest.approx(PATIENCE_S, abs=1)


def test_each_step_of_a_rebase_starts_the_minute_again(fs: MemoryFs, looking: Looking) -> None:
    looking.settle()
    fs.put(f"{HOME}/.git/rebase-merge", kind="dir")
    for _ in range(5):
        assert not looking.look(after=50).settled
        fs.touch(f"{HOME}/.git/rebase-merge")


def test_a_damaged_git_pointer_is_no_obstacle(fs: MemoryFs, looking: Looking) -> None:
    for text in (b"", b"gitdir:", b"gitdir: \xff\x00", b"\xff\xfe"):
        fs.put(f"{HOME}/.git", text)
        assert looking.settle().slots_folder


# ── locks ──────────────────────────────────────────────────────────────────────────────────────


def test_while_a_change_set_is_written_the_home_waits(fs: MemoryFs, looking: Looking) -> None:
    looking.settle()
    writer = fs.lock(LOCK, exclusive=True)
    fs.put(CHAT, "port = 8105\n")
    looking.look()
    reading = looking.look(after=SETTLE_S)
    assert not reading.settled and "change set" in reading.files.busy
    assert reading.again_at == looking.now + LOCK_POLL_S
    writer.release()
    assert looking.settle().files["slots/chat.toml"].data == b"port = 8105\n"
    assert fs.readers == {LOCK: 0}, "the shared lock is given back"


def test_a_reader_leaves_no_trace_in_the_home(fs: MemoryFs, looking: Looking) -> None:
    before = set(fs.nodes)
    looking.settle()
    assert set(fs.nodes) == before


def test_a_home_whose_first_writer_appears_while_it_is_read_is_read_again(fs: MemoryFs, looking: Looking) -> None:
    looking.look()

    def begin_to_write(path: str) -> None:
        fs.before_read = None
        fs.lock(LOCK, exclusive=True)

    fs.before_read = begin_to_write
    assert not looking.look(after=SETTLE_S).settled


# ── once ───────────────────────────────────────────────────────────────────────────────────────


def test_reading_once_needs_no_second_look_and_refuses_the_same(fs: MemoryFs) -> None:
    fs.overwrite(CHAT, "port = 81")
    fs.link(f"{HOME}/slots/out.toml", "/etc/passwd")
    files = read_once(fs, HOME)
    assert files.files["slots/chat.toml"].data == b"port = 81"
    assert "leaves the home" in files.files["slots/out.toml"].refused
    assert files.slots_folder and not files.busy


def test_reading_once_a_home_that_is_not_there_gives_an_empty_one(fs: MemoryFs) -> None:
    assert read_once(fs, "/nowhere") == HomeFiles({}, slots_folder=False)


def test_reading_once_while_a_change_set_is_written_says_so(fs: MemoryFs) -> None:
    fs.lock(LOCK, exclusive=True)
    assert "change set" in read_once(fs, HOME).busy
