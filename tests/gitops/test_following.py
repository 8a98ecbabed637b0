"""What a branch, tag or commit names is fetched and exported, and every way in which it can be gone has a name."""

import os
import resource
import shutil
import stat
from pathlib import Path

import pytest

from hal0_operator.seams.git import GitFault
from tests.gitops.conftest import Opened
from tests.gitops.remotes import Remote, files


def kind_of(fault: pytest.ExceptionInfo[GitFault]) -> str:
    return fault.value.kind


def test_a_branch_is_followed_to_its_newest_commit(remote: Remote, opened: Opened) -> None:
    git = opened()
    first = git.tip()
    before = files(git.export(first))
    assert before["slots/s0.toml"] == (remote.work / "slots/s0.toml").read_bytes()
    remote.write("slots/new.toml", "port = 8200\n")
    second = remote.push("Add a slot")
    assert git.tip() == second != first
    assert files(git.export(second)) == before | {"slots/new.toml": b"port = 8200\n"}
    assert files(git.export(first)) == before


def test_a_revision_says_who_when_and_what(remote: Remote, opened: Opened) -> None:
    commit = remote.push("Größer\n\nbecause")
    revision = opened().fetch(commit)
    assert (revision.commit, revision.author, revision.subject) == (commit, "Ada <ada@example.org>", "Größer")
    assert (revision.committed_at, revision.signer) == ("2023-11-14T22:13:20Z", "")


def test_a_home_is_a_folder_of_the_repository_and_nothing_else_of_it(remote: Remote, opened: Opened) -> None:
    remote.home(2, at="homes/lab/")
    remote.write("homes/lab/capabilities.toml", "schema_version = 1\n")
    for name in ("homes/lab/README.md", "homes/lab/slots/notes.txt", "homes/lab/slots/.hidden.toml", "homes/x/a.toml"):
        remote.write(name, "x")
    remote.write("homes/lab/slots/deep/a.toml", "x")
    git = opened(path="homes/lab")
    folder = git.export(remote.push())
    assert sorted(files(folder)) == ["capabilities.toml", "profiles.toml", "slots/s0.toml", "slots/s1.toml"]


def test_an_export_cannot_be_written_to(remote: Remote, opened: Opened) -> None:
    (remote.work / "slots/s0.toml").chmod(0o777)
    folder = Path(opened().export(remote.push()))
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()} == {0o444}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "slots")} == {0o555}


@pytest.mark.parametrize("annotated", [False, True])
def test_a_tag_is_followed_also_when_it_moves(remote: Remote, opened: Opened, annotated: bool) -> None:
    options = ("-a", "-m", "release") if annotated else ()
    git = opened(branch="", tag="v1")
    for _ in range(2):
        commit = remote.commit("Next")
        remote.git("tag", "-f", *options, "v1")
        remote.git("push", "-q", "--force", "origin", "refs/tags/v1")
        assert git.tip() == commit
        assert git.fetch(commit).commit == commit


def test_a_commit_is_taken_without_a_question(remote: Remote, opened: Opened) -> None:
    older = remote.commit("Older")
    remote.push("Newer")
    git = opened(branch="", commit=older)
    assert git.tip() == older
    assert "slots/s0.toml" in files(git.export(older))


def test_only_the_very_name_of_a_branch_counts(remote: Remote, opened: Opened) -> None:
    commit, other = remote.push("Here"), remote.commit("Elsewhere")
    for name in ("x/main", "refs/heads/main"):  # the second one's full name ends like that of main
        remote.git("push", "-q", "origin", f"{other}:refs/heads/{name}")
    assert opened().tip() == commit


def test_rewritten_history_is_followed(remote: Remote, opened: Opened) -> None:
    git = opened()
    old = git.tip()
    git.export(old)
    remote.write("slots/s0.toml", "port = 9000\n")
    new = remote.push("Amended", "--amend")
    remote.git("reflog", "expire", "--expire=now", "--all", at=remote.bare)
    remote.git("gc", "-q", "--prune=now", at=remote.bare)
    assert git.tip() == new
    assert files(git.export(new))["slots/s0.toml"] == b"port = 9000\n"
    assert files(git.export(old))["slots/s0.toml"] != b"port = 9000\n"


def test_a_commit_that_the_server_threw_away_is_named_so(remote: Remote, opened: Opened) -> None:
    old = remote.push("Lost")
    remote.push("Amended", "--amend")
    remote.git("reflog", "expire", "--expire=now", "--all", at=remote.bare)
    remote.git("gc", "-q", "--prune=now", at=remote.bare)
    with pytest.raises(GitFault, match="rewritten") as fault:
        opened().fetch(old)
    assert kind_of(fault) == "no_ref"


def test_a_branch_that_is_deleted_and_comes_back(remote: Remote, opened: Opened) -> None:
    git = opened()
    old = git.tip()
    folder = git.export(old)
    remote.git("update-ref", "-d", "refs/heads/main", at=remote.bare)
    with pytest.raises(GitFault, match="no branch `main`") as fault:
        git.tip()
    assert kind_of(fault) == "no_ref"
    assert "slots/s0.toml" in files(folder)
    new = remote.push("Back")
    assert git.tip() == new
    assert git.export(new).endswith(new)


def test_a_tag_that_is_not_there_is_named(opened: Opened) -> None:
    with pytest.raises(GitFault, match="no tag `v9`") as fault:
        opened(branch="", tag="v9").tip()
    assert kind_of(fault) == "no_ref"


def test_a_repository_that_is_gone_and_comes_back(remote: Remote, opened: Opened, tmp_path: Path) -> None:
    git = opened()
    commit = git.tip()
    shutil.move(remote.bare, tmp_path / "away")
    for call in (git.tip, lambda: git.fetch(commit)):
        with pytest.raises(GitFault, match="not a git repository") as fault:
            call()
        assert kind_of(fault) == "no_repository"
    shutil.move(tmp_path / "away", remote.bare)
    assert git.export(git.tip()).endswith(commit)


def test_a_folder_that_goes_and_comes_back(remote: Remote, opened: Opened) -> None:
    remote.home(at="lab/")
    git = opened(path="lab")
    git.export(remote.push())
    remote.git("mv", "lab", "lap")
    with pytest.raises(GitFault, match="`lab` is not there in commit") as fault:
        git.export(remote.push())
    assert kind_of(fault) == "no_path"
    remote.git("mv", "lap", "lab")
    assert "profiles.toml" in files(git.export(remote.push()))


@pytest.mark.parametrize(("path", "what"), [("profiles.toml", "a file"), ("slots/x", "not there"), ("way", "a link")])
def test_a_path_that_is_no_folder_is_named(remote: Remote, opened: Opened, path: str, what: str) -> None:
    remote.link("way", "slots")
    with pytest.raises(GitFault, match=what) as fault:
        opened(path=path).export(remote.push())
    assert kind_of(fault) == "no_path"


def test_a_home_without_any_file_is_an_empty_folder(remote: Remote, opened: Opened) -> None:
    remote.git("rm", "-q", "-r", "slots", "profiles.toml")
    assert os.listdir(opened().export(remote.push())) == []


def test_a_branch_that_is_no_commit_is_refused(remote: Remote, opened: Opened) -> None:
    blob = remote.object("blob", b"x")
    remote.git("tag", "v1", blob)
    remote.git("push", "-q", "origin", "refs/tags/v1")
    git = opened(branch="", tag="v1")
    with pytest.raises(GitFault, match="is a blob, not a commit") as fault:
        git.fetch(git.tip())
    assert kind_of(fault) == "no_ref"


@pytest.mark.parametrize("commit", ["", "main", "--upload-pack=x", "a" * 39, "A" * 40])
def test_only_the_full_id_of_a_commit_is_fetched(opened: Opened, commit: str) -> None:
    with pytest.raises(GitFault, match="not the full id") as fault:
        opened().fetch(commit)
    assert kind_of(fault) == "no_ref"


def test_a_repository_with_longer_ids_is_followed(tmp_path: Path, opened: Opened) -> None:
    made = Remote(tmp_path / "long", "--object-format=sha256")
    made.home()
    commit = made.push()
    git = opened(url=made.url)
    assert git.tip() == commit
    assert len(commit) == 64
    assert "slots/s0.toml" in files(git.export(commit))


def test_an_id_of_another_kind_than_the_repositorys_is_said_to_be_one(opened: Opened) -> None:
    with pytest.raises(GitFault, match="another kind of id") as fault:
        opened(commit="a" * 64).export("a" * 64)
    assert fault.value.kind == "no_ref"


def test_an_address_with_escapes_is_the_folder_that_it_means(tmp_path: Path, opened: Opened) -> None:
    made = Remote(tmp_path / "a b")
    made.home()
    commit = made.push()
    if os.geteuid() == 0:
        for path in (made.bare, *made.bare.rglob("*")):
            os.chown(path, 1000, 1000)
    git = opened(url=made.url.replace(" ", "%20"))
    assert git.tip() == commit
    assert "slots/s0.toml" in files(git.export(commit))


def test_an_operator_with_very_many_open_files_can_follow_too(opened: Opened) -> None:
    """Descriptors above 1023 are beyond what select() can look at."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4_096, before[1]), before[1]))
    many = [os.open("/dev/null", os.O_RDONLY) for _ in range(1_100)]
    try:
        git = opened()
        assert "slots/s0.toml" in files(git.export(git.tip()))
    finally:
        for descriptor in many:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
