"""Reading a revision: whole, once, and never what the machine failed to read."""

import errno

import pytest

from hal0_operator.home.exported import AGAIN_S, ExportedReader
from tests.home.memory_fs import MemoryFs

FOLDER, NEXT = "/revisions/c1", "/revisions/c2"


@pytest.fixture
def fs() -> MemoryFs:
    made = MemoryFs()
    for name in ("profiles.toml", "slots/chat.toml", "slots/code.toml"):
        made.put(f"{FOLDER}/{name}")
    return made


def test_a_revision_is_read_once(fs: MemoryFs) -> None:
    reader = ExportedReader(fs, "the repository")
    assert reader.look(1.0).files.busy
    reader.point(FOLDER, "c1")
    first = reader.look(2.0)
    assert first.settled
    assert first.files.files.keys() == {"profiles.toml", "slots/chat.toml", "slots/code.toml"}
    fs.delete(f"{FOLDER}/slots/code.toml")
    assert reader.look(3.0).files is first.files


@pytest.mark.parametrize("what", ["", "/slots", "/profiles.toml", "/slots/chat.toml"])
@pytest.mark.parametrize("error", [errno.EIO, errno.EMFILE, errno.ENOMEM])
def test_what_the_machine_fails_to_read_is_no_revision_and_is_read_again(fs: MemoryFs, what: str, error: int) -> None:
    reader = ExportedReader(fs, "the repository")
    reader.point(FOLDER, "c1")
    fs.nodes[FOLDER + what].error = OSError(error, "by a fault of the machine")
    if what == "":
        fs.delete(FOLDER)
    failed = reader.look(1.0)
    assert (failed.settled, failed.again_at) == (False, 1.0 + AGAIN_S)
    assert failed.files.busy == f"{FOLDER} cannot be read"
    assert reader.failing
    for name in ("profiles.toml", "slots/chat.toml", "slots/code.toml"):
        fs.put(f"{FOLDER}/{name}")
    fs.nodes[f"{FOLDER}/slots"].error = None
    again = reader.look(2.0)
    assert again.settled
    assert not reader.failing
    assert not any(text.refused for text in again.files.files.values())


def test_of_the_next_revision_only_what_changed_is_read(fs: MemoryFs) -> None:
    reader = ExportedReader(fs, "the repository")
    reader.point(FOLDER, "c1")
    first = reader.look(1.0).files.files
    for name in ("profiles.toml", "slots/chat.toml"):
        fs.folder(f"{NEXT}/slots")
        fs.nodes[f"{NEXT}/{name}"] = fs.nodes[f"{FOLDER}/{name}"]  # a second name
    fs.put(f"{NEXT}/slots/code.toml", "enabled = false\n")
    fs.reads.clear()
    reader.point(NEXT, "c2")
    second = reader.look(2.0).files
    assert fs.reads == [f"{NEXT}/slots/code.toml"]
    assert second.revision == "c2"
    assert second.files["slots/code.toml"].data == b"enabled = false\n"
    assert all(second.files[name] is first[name] for name in ("profiles.toml", "slots/chat.toml"))


def test_a_file_of_both_revisions_that_was_written_to_in_between_is_read_again(fs: MemoryFs) -> None:
    reader = ExportedReader(fs, "the repository")
    reader.point(FOLDER, "c1")
    reader.look(1.0)
    fs.folder(f"{NEXT}/slots")
    fs.nodes[f"{NEXT}/slots/chat.toml"] = fs.nodes[f"{FOLDER}/slots/chat.toml"]
    fs.overwrite(f"{NEXT}/slots/chat.toml", "enabled = fals\n")
    reader.point(NEXT, "c2")
    assert reader.look(2.0).files.files["slots/chat.toml"].data == b"enabled = fals\n"
