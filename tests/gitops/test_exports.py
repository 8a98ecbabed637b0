"""Which revisions are kept: the newest in use, those that are needed, and never one by half."""

import os
import shutil
from pathlib import Path

import pytest

from hal0_operator.gitops.index import FILE
from hal0_operator.seams.git import GitFault
from tests.gitops.conftest import Opened
from tests.gitops.remotes import Remote, files


def numbered(remote: Remote, count: int) -> list[str]:
    commits = []
    for number in range(count):
        remote.write("slots/s0.toml", f"port = {number + 1}\n")
        commits.append(remote.push(f"Number {number}"))
    return commits


def folders_of(tmp_path: Path) -> set[str]:
    return set(os.listdir(tmp_path / "state/revisions")) - {FILE}


def test_nothing_is_kept_before_the_first_export(opened: Opened) -> None:
    git = opened()
    assert git.kept() == ()
    git.prune(1, frozenset())
    assert git.kept() == ()


def test_the_last_used_ones_are_kept_and_a_second_use_counts(remote: Remote, opened: Opened, tmp_path: Path) -> None:
    commits = numbered(remote, 5)
    git = opened()
    for commit in (*commits, commits[1]):
        git.export(commit)
    assert [revision.subject[-1] for revision in git.kept()] == ["1", "4", "3", "2", "0"]
    assert [revision.commit for revision in opened().kept()] == [revision.commit for revision in git.kept()]
    git.prune(3, frozenset({commits[0]}))
    assert [revision.commit for revision in git.kept()] == [commits[1], commits[4], commits[0]]
    git.prune(1, frozenset({commits[1], commits[0]}))
    assert folders_of(tmp_path) == {commits[1], commits[0]}
    assert files(git.export(commits[0]))["slots/s0.toml"] == b"port = 1\n"


def test_a_pruned_revision_can_be_had_again(remote: Remote, opened: Opened) -> None:
    older, newer = numbered(remote, 2)
    git = opened()
    for commit in (older, newer):
        git.export(commit)
    git.prune(1, frozenset())
    assert [revision.commit for revision in git.kept()] == [newer]
    assert files(git.export(older))["slots/s0.toml"] == b"port = 1\n"


def test_an_export_is_used_again_also_when_the_remote_is_gone(remote: Remote, opened: Opened) -> None:
    git = opened()
    commit = git.tip()
    folder = git.export(commit)
    remote.bare.rename(remote.bare.with_name("away"))
    assert opened().export(commit) == folder


@pytest.mark.parametrize("damage", [b"", b"nonsense", b'{"source": 1}', b"\xff", None])
def test_an_index_that_is_lost_costs_a_new_export(
    remote: Remote, opened: Opened, tmp_path: Path, damage: bytes | None
) -> None:
    git = opened()
    commit = git.tip()
    before = files(git.export(commit))
    index = tmp_path / "state/revisions" / FILE
    index.unlink()
    if damage is not None:
        index.write_bytes(damage)
    assert git.kept() == ()
    assert files(git.export(commit)) == before
    assert [revision.commit for revision in git.kept()] == [commit]


def test_another_folder_of_the_same_commit_is_another_export(remote: Remote, opened: Opened) -> None:
    remote.home(1, at="lab/")
    commit = remote.push()
    assert len(files(opened().export(commit))) > 4 - 1
    assert sorted(files(opened(path="lab").export(commit))) == ["profiles.toml", "slots/s0.toml"]
    with pytest.raises(GitFault, match="`none` is not there"):
        opened(path="none").export(commit)


def test_what_a_kill_left_and_what_nobody_knows_goes(remote: Remote, opened: Opened, tmp_path: Path) -> None:
    commit = remote.git("rev-parse", "HEAD")
    state = tmp_path / "state/revisions"
    for name in (".stage", f".gone-{'a' * 40}", "b" * 40):
        (state / name / "slots").mkdir(parents=True)
        (state / name / "slots/x.toml").touch()
        (state / name / "slots").chmod(0o555)
    (state / "index.json.stage").touch()
    (state / commit).mkdir()  # by its name alone it would be taken for an export
    git = opened()
    assert "slots/s0.toml" in files(git.export(commit))
    git.prune(5, frozenset())
    assert folders_of(tmp_path) == {commit}


@pytest.mark.parametrize("damage", ["altered", "removed", "added", "emptied", "folder"])
def test_an_export_that_was_changed_since_is_made_anew(
    opened: Opened, remote: Remote, tmp_path: Path, damage: str
) -> None:
    git = opened()
    commit = remote.git("rev-parse", "HEAD")
    folder = Path(git.export(commit))
    before = files(str(folder))
    slots = folder / "slots"
    slots.chmod(0o755)
    folder.chmod(0o755)
    if damage == "altered":
        text = (slots / "s0.toml").read_text()
        (slots / "s0.toml").chmod(0o644)
        (slots / "s0.toml").write_text(text.upper())
    elif damage == "removed":
        (slots / "s0.toml").unlink()
    elif damage == "added":
        (slots / "evil.toml").touch()
    else:
        shutil.rmtree(slots)
        if damage == "folder":
            (folder / "slots").symlink_to(tmp_path)
    for again in (git, opened()):
        assert files(again.export(commit)) == before


def test_a_link_in_the_place_of_an_export_is_not_followed(opened: Opened, tmp_path: Path) -> None:
    git = opened()
    commit = git.tip()
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "slots").mkdir(parents=True)
    (tmp_path / "state/revisions").mkdir(parents=True)
    for name in (".stage", commit, "c" * 40):
        (tmp_path / "state/revisions" / name).symlink_to(elsewhere)
    assert "slots/s0.toml" in files(git.export(commit))
    git.prune(1, frozenset())
    assert (elsewhere / "slots").is_dir()
    assert folders_of(tmp_path) == {commit}


def test_many_slots_are_exported_as_they_are(remote: Remote, opened: Opened) -> None:
    for number in range(700):
        remote.write(f"slots/m{number}.toml", f"port = {number + 1}\n")
    commit = remote.push()
    found = files(opened().export(commit))
    assert len(found) == 704
    assert all(found[f"slots/m{number}.toml"] == f"port = {number + 1}\n".encode() for number in range(700))
