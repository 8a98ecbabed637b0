"""What a word names in ``plan --from A --to B``: nothing that a repository holds can say it in git's place."""

import shutil
import subprocess

import pytest

from tests.support.checkouts import SLOT


def plan(hal0ctl, home, before="HEAD~1", after="HEAD", form="human"):
    return hal0ctl("plan", str(home), f"--from={before}", f"--to={after}", "-o", form)


def decoy(folder, text=SLOT.format(port=8101, model="one")):
    """A home that is no revision's."""
    (folder / "slots").mkdir(parents=True)
    (folder / "slots" / "chat.toml").write_text(text)
    (folder / "slots" / "code.toml").write_text(text.replace("8101", "8102"))


def test_what_is_no_revision_is_refused(hal0ctl, checkout) -> None:
    for word in ("nonesuch", "--upload-pack=x", "HEAD:homes", "HEAD..HEAD", "^HEAD"):
        ran = plan(hal0ctl, checkout.home, before=word)
        assert (ran.code, f"{word!r} is no revision of the git checkout" in ran.err) == (1, True)


@pytest.mark.parametrize("where", ["", "homes/lab"])
@pytest.mark.parametrize("word", ["main", "HEAD", "the full id"])
def test_a_folder_that_is_named_as_a_revision_does_not_take_its_place(
    hal0ctl, changed, monkeypatch, word, where
) -> None:
    before, word = changed.git("rev-parse", "HEAD~1"), changed.git("rev-parse", "HEAD") if " " in word else word
    for name in (before, word):
        decoy(changed.root / where / name)
    monkeypatch.chdir(changed.root / where)
    ran = plan(hal0ctl, changed.home, before, word)
    assert (ran.code, ran.out.splitlines()[0]) == (3, "swap chat")
    assert f"{word} is read as a revision; the folder of that name is ./{word}" in ran.err


def test_a_folder_in_place_of_a_revision_that_is_not_there_is_not_taken(hal0ctl, changed, monkeypatch) -> None:
    decoy(changed.root / "origin" / "main")
    monkeypatch.chdir(changed.root)
    ran = plan(hal0ctl, changed.home, "origin/main")
    assert (ran.code, ran.out) == (1, "")
    assert "a folder is written as a path, such as ./origin/main" in ran.err


@pytest.mark.parametrize("word", ["./main", "../repository/main", "{root}/main"])
def test_a_folder_is_what_is_written_as_a_path(hal0ctl, changed, monkeypatch, word) -> None:
    decoy(changed.root / "main")
    monkeypatch.chdir(changed.root)
    ran = plan(hal0ctl, changed.home, "HEAD~1", word.format(root=changed.root))
    assert (ran.code, ran.out, ran.err) == (0, "nothing to do\n", "")


def test_a_repository_that_is_committed_into_the_home_is_not_asked(hal0ctl, changed) -> None:
    inner = changed.home / "inner"
    subprocess.run(("git", "clone", "-q", "--bare", str(changed.root), str(inner)), check=True)
    for name in ("HEAD", "config", "objects", "refs", "packed-refs"):
        shutil.move(inner / name, changed.home / name)
    changed.commit()
    ran = plan(hal0ctl, changed.home, "HEAD~2")
    assert (ran.code, ran.out.splitlines()[0]) == (3, "swap chat")


def test_a_tag_and_a_branch_of_one_name_are_told_apart_by_who_asks(hal0ctl, changed) -> None:
    changed.git("tag", "main", "HEAD~1")
    changed.git("config", "core.warnAmbiguousRefs", "false")
    ran = plan(hal0ctl, changed.home, after="main")
    assert (ran.code, ran.out) == (1, "")
    assert "'main' is ambiguous" in ran.err
    assert "write refs/heads/main, refs/tags/main" in ran.err
    assert plan(hal0ctl, changed.home, after="refs/heads/main").code == 3
    assert plan(hal0ctl, changed.home, after="refs/tags/main").code == 0


def test_head_and_a_full_id_are_certain_whatever_tags_are_called(hal0ctl, changed) -> None:
    before, after = changed.git("rev-parse", "HEAD~1"), changed.git("rev-parse", "HEAD")
    for name in ("HEAD", before, after):
        changed.git("update-ref", f"refs/tags/{name}", before)
    for word in ("HEAD", after):
        ran = plan(hal0ctl, changed.home, before, word)
        assert (ran.code, ran.out.splitlines()[0]) == (3, "swap chat")


def test_no_program_of_the_repository_is_run(hal0ctl, changed, tmp_path) -> None:
    trace = tmp_path / "trace"
    evil = tmp_path / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {trace}\n")
    evil.chmod(0o755)
    for key in ("core.fsmonitor", "diff.external", "filter.x.smudge", "core.sshCommand", "core.pager"):
        changed.git("config", key, str(evil))
    (changed.root / ".gitattributes").write_text("*.toml filter=x diff=x\n")
    ran = plan(hal0ctl, changed.home)
    assert ran.code == 3
    assert not trace.exists()


@pytest.mark.parametrize("url", ["file:///nonesuch", "ssh://nonesuch/a", "/nonesuch", "ext::{evil}"])
def test_an_object_that_a_clone_left_out_is_not_fetched(hal0ctl, changed, tmp_path, url) -> None:
    trace = tmp_path / "trace"
    evil = tmp_path / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {trace}\n")
    evil.chmod(0o755)
    for key, value in (
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", url.format(evil=evil)),
        ("remote.origin.uploadpack", str(evil)),
        ("core.sshCommand", str(evil)),
        ("protocol.ext.allow", "always"),
    ):
        changed.git("config", key, value)
    id = changed.git("rev-parse", "HEAD:homes/lab/slots/chat.toml")
    (changed.root / ".git" / "objects" / id[:2] / id[2:]).unlink()
    ran = plan(hal0ctl, changed.home)
    assert (ran.code, ran.out) == (1, "")
    assert "left objects out" in ran.err
    assert not trace.exists()


def test_a_linked_work_tree_and_a_home_that_is_gone_from_it_are_fine(hal0ctl, changed, tmp_path) -> None:
    changed.git("worktree", "add", "-q", str(tmp_path / "other"))
    home = tmp_path / "other" / "homes" / "lab"
    shutil.rmtree(home)
    assert plan(hal0ctl, home, "main~1", "main").out.splitlines()[0] == "swap chat"
    (tmp_path / "link").symlink_to(changed.home)
    assert plan(hal0ctl, tmp_path / "link").out.splitlines()[0] == "swap chat"


def test_without_a_checkout_there_are_no_revisions(hal0ctl, home) -> None:
    ran = plan(hal0ctl, home)
    assert (ran.code, "lies in no checkout of a git repository" in ran.err) == (1, True)
    (home / ".git").mkdir()
    ran = plan(hal0ctl, home)
    assert (ran.code, f"{home}/.git is no git repository" in ran.err) == (1, True)


def test_what_git_says_of_a_repository_that_it_does_not_take_is_repeated(hal0ctl, changed) -> None:
    changed.git("config", "core.repositoryformatversion", "9")
    ran = plan(hal0ctl, changed.home)
    assert (ran.code, ran.out) == (1, "")
    assert "for 'HEAD~1': fatal: Expected git repo version <= 1, found 9" in ran.err


def test_a_checkout_without_a_commit_says_so(hal0ctl, home) -> None:
    subprocess.run(("git", "init", "-q", str(home)), check=True)
    ran = plan(hal0ctl, home, "HEAD")
    assert ran.code == 1
    assert ran.err.endswith("its HEAD leads to no commit: commit something first, or name a branch\n")


def test_a_clone_that_is_shallow_says_so(hal0ctl, changed, tmp_path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(("git", "clone", "-q", "--depth=1", f"file://{changed.root}", str(clone)), check=True)
    ran = plan(hal0ctl, clone / "homes" / "lab")
    assert ran.code == 1
    assert ran.err.endswith("the clone is shallow: git fetch --unshallow fetches what is missing\n")


def test_a_word_that_is_no_folder_is_not_taken_for_one(hal0ctl, changed) -> None:
    ran = plan(hal0ctl, changed.home, "HEAD~99")
    assert (ran.code, ran.err.count("a folder is written")) == (1, 0)


def test_a_bare_repository_is_called_by_its_name(hal0ctl, changed, tmp_path) -> None:
    bare = tmp_path / "bare.git"
    subprocess.run(("git", "clone", "-q", "--bare", str(changed.root), str(bare)), check=True)
    ran = plan(hal0ctl, bare)
    assert (ran.code, f"{bare} is bare: plan finds the home's folder by a work tree" in ran.err) == (1, True)
