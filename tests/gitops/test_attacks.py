"""A repository is untrusted: it can name no file of this machine, run nothing, and fill nothing."""

import contextlib
import itertools
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hal0_operator.gitops import command
from hal0_operator.gitops.limits import Limits
from hal0_operator.home import scan
from hal0_operator.seams.git import GitFault
from tests.gitops.conftest import Opened
from tests.gitops.remotes import Remote, files

SECRET = "root:$6$shadow"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """What a link of a repository may want to show."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "shadow").write_text(SECRET)
    (folder / "a.toml").write_text(SECRET)
    return folder


def refused(opened: Opened, commit: str, **settings: object) -> str:
    with pytest.raises(GitFault) as fault:
        opened(**settings).export(commit)
    assert fault.value.kind == "refused"
    assert SECRET not in str(fault.value)
    return str(fault.value)


def nothing_left(state: Path) -> bool:
    return [path.name for path in (state / "revisions").iterdir()] == []


@pytest.mark.parametrize("target", ["{outside}/shadow", "../../../../outside/shadow", "../../outside/a.toml", "/"])
def test_a_file_that_is_a_link_to_the_outside_is_refused(
    remote: Remote, opened: Opened, outside: Path, tmp_path: Path, target: str
) -> None:
    remote.link("slots/x.toml", target.format(outside=outside))
    message = refused(opened, remote.push())
    assert "`slots/x.toml` is a link that leaves the home; its target is not read" in message
    assert nothing_left(tmp_path / "state")


def test_a_folder_that_is_a_link_to_the_outside_is_refused(remote: Remote, opened: Opened, outside: Path) -> None:
    remote.git("rm", "-q", "-r", "slots")
    remote.link("slots", str(outside))
    assert "`slots` is a link that leaves the home" in refused(opened, remote.push())


def test_a_link_cannot_leave_by_a_second_one_nor_into_another_home(remote: Remote, opened: Opened) -> None:
    remote.home(at="lab/")
    remote.link("lab/up", "..")
    remote.link("lab/slots/x.toml", "../up/profiles.toml")
    assert "`slots/x.toml` is a link that leaves the home" in refused(opened, remote.push(), path="lab")


@pytest.mark.parametrize(
    ("target", "why"), [("x.toml", "in a circle"), ("none.toml", "to nothing in the home"), ("s0.toml/x", "to nothing")]
)
def test_a_link_that_leads_nowhere_is_refused(remote: Remote, opened: Opened, target: str, why: str) -> None:
    remote.link("slots/x.toml", target)
    assert why in refused(opened, remote.push())


def test_links_inside_the_home_are_exported_as_what_they_lead_to(remote: Remote, opened: Opened) -> None:
    remote.git("mv", "slots", "shared")
    remote.link("slots", "shared")
    remote.link("shared/x.toml", "../base/x")
    remote.link("base/x", "y")
    remote.write("base/y", "port = 1\n")
    folder = opened().export(remote.push())
    assert files(folder)["slots/x.toml"] == b"port = 1\n"
    assert not any(path.is_symlink() for path in Path(folder).rglob("*"))


def test_a_folder_in_a_files_place_and_a_file_in_a_folders_are_refused(remote: Remote, opened: Opened) -> None:
    remote.write("slots/x.toml/y", "x")
    assert "`slots/x.toml` is a folder" in refused(opened, remote.push())
    remote.git("rm", "-q", "-r", "slots")
    remote.write("slots", "x")
    assert "`slots` is not a folder" in refused(opened, remote.push())


@pytest.mark.parametrize("name", ["a\nb.toml", "\x1b[31m.toml", "a\rb.toml", "\x7f.toml"])
def test_names_with_control_characters_are_refused_and_shown_harmlessly(
    remote: Remote, opened: Opened, name: str
) -> None:
    remote.write(f"slots/{name}", "x")
    message = refused(opened, remote.push())
    assert "control character" in message
    assert message.isprintable()


def test_a_name_that_no_file_can_have_is_refused(remote: Remote, opened: Opened) -> None:
    blob = remote.git("hash-object", "-w", "--stdin", stdin=b"x")
    inner = remote.git("mktree", stdin=f"100644 blob {blob}\t{'n' * 251}.toml\n".encode())
    outer = remote.git("mktree", stdin=f"040000 tree {inner}\tslots\n".encode())
    commit = remote.git("commit-tree", "-m", "Long", outer)
    remote.git("push", "-q", "origin", f"+{commit}:refs/heads/main")
    assert "more than 255 bytes" in refused(opened, commit)


class Endless(BaseHTTPRequestHandler):
    """Names branches for as long as somebody listens."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
        self.end_headers()
        self.wfile.write(_line(b"# service=git-upload-pack\n") + b"0000" + _line(b"a" * 40 + b" HEAD\0side-band-64k\n"))
        with contextlib.suppress(OSError):
            for first in itertools.count(0, 500):
                lines = (b"%040x refs/heads/%d%b\n" % (n, n, b"n" * 900) for n in range(first, first + 500))
                self.wfile.write(b"".join(map(_line, lines)))

    def log_message(self, *_: object) -> None:
        """Nothing."""


def _line(data: bytes) -> bytes:
    return b"%04x%b" % (len(data) + 4, data)


def test_a_server_that_names_branches_without_end_takes_no_more_memory_than_it_may(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "LISTING", 256 << 20)
    with ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(GitFault, match="takes more memory") as fault:
            opened(url=f"http://127.0.0.1:{server.server_port}/x.git").tip()
        server.shutdown()
    assert fault.value.kind == "too_large"


def test_names_that_differ_in_case_or_are_no_utf8_stay_as_they_are(remote: Remote, opened: Opened) -> None:
    for name in (b"chat.toml", b"Chat.toml", b"gr\xfc\xdfe.toml", b"gr\xc3\xbc.toml"):
        remote.write(os.fsdecode(b"slots/" + name), "x")
    folder = opened().export(remote.push())
    names = os.listdir(os.fsencode(f"{folder}/slots"))
    assert {b"chat.toml", b"Chat.toml", b"gr\xfc\xdfe.toml", b"gr\xc3\xbc.toml"} <= set(names)


@pytest.mark.parametrize("name", [b"x/../../../y.toml", b"a/b.toml", b"/etc/x.toml"])
def test_names_that_are_paths_are_refused(remote: Remote, opened: Opened, tmp_path: Path, name: bytes) -> None:
    blob = remote.object("blob", b"x")
    slots = remote.object("tree", b"100644 " + name + b"\0" + bytes.fromhex(blob))
    assert "`/` in it" in refused(opened, remote.crafted([("40000", b"slots", slots)]))
    assert nothing_left(tmp_path / "state")


def test_a_name_that_stands_twice_is_refused(remote: Remote, opened: Opened) -> None:
    blobs = [remote.object("blob", text) for text in (b"a", b"b")]
    listing = b"".join(b"100644 a.toml\0" + bytes.fromhex(blob) for blob in blobs)
    commit = remote.crafted([("40000", b"slots", remote.object("tree", listing))])
    assert "names a file twice" in refused(opened, commit)


def test_a_kind_of_entry_that_git_does_not_have_is_refused(remote: Remote, opened: Opened) -> None:
    blob = remote.object("blob", b"x")
    assert "of no kind that git knows" in refused(opened, remote.crafted([("20644", b"profiles.toml", blob)]))


def test_submodules_and_filters_are_left_alone_with_a_warning(remote: Remote, opened: Opened, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    remote.write(".gitattributes", "*.toml filter=evil ident eol=crlf\n")
    remote.write(".gitmodules", '[submodule "slots/sub.toml"]\n\tpath = slots/sub.toml\n')
    remote.write("slots/x.toml", "# $Id$\n")
    remote.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},slots/sub.toml")
    remote.git("update-index", "--add", "--cacheinfo", f"160000,{'2' * 40},vendored")
    remote.git("add", ".gitattributes", ".gitmodules", "slots/x.toml")
    remote.git("commit", "-q", "-m", "evil")
    remote.git("push", "-q", "origin", "main")
    remote.git("config", "filter.evil.smudge", f"touch {trace}", at=remote.bare)
    warnings: list[str] = []
    git = opened(warnings=warnings)
    found = files(git.export(git.tip()))
    assert sorted(found) == ["profiles.toml", "slots/s0.toml", "slots/s1.toml", "slots/s2.toml", "slots/x.toml"]
    assert found["slots/x.toml"] == b"# $Id$\n"
    assert [text.split("`")[1] for text in warnings] == [".gitattributes", "slots/sub.toml", "vendored"]
    assert not trace.exists()


def test_a_file_that_git_lfs_keeps_elsewhere_is_refused(remote: Remote, opened: Opened) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 1\n"
    remote.write("slots/x.toml", pointer)
    assert "`slots/x.toml` is kept in Git LFS" in refused(opened, remote.push())


def test_no_program_of_a_repository_is_run_and_its_owner_does_not_matter(
    remote: Remote, opened: Opened, tmp_path: Path
) -> None:
    """Hooks, fsmonitor, filters, pack hooks and pagers of a remote that stands on this machine, owned by somebody."""
    trace, evil = tmp_path / "trace", tmp_path / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {trace}\n")
    evil.chmod(0o755)
    for repository in (remote.bare, remote.work / ".git"):
        for hook in ("post-checkout", "post-upload-pack", "pre-upload-pack", "reference-transaction", "post-merge"):
            (repository / "hooks").mkdir(exist_ok=True)
            (repository / "hooks" / hook).unlink(missing_ok=True)
            (repository / "hooks" / hook).symlink_to(evil)
        for key in ("core.fsmonitor", "uploadpack.packObjectsHook", "core.sshCommand", "core.pager", "gpg.program"):
            remote.git("config", key, str(evil), at=repository)
    trace.unlink(missing_ok=True)
    if os.geteuid() == 0:
        for path in (remote.bare, *remote.bare.rglob("*"), remote.work, *remote.work.rglob("*")):
            os.chown(path, 1000, 1000, follow_symlinks=False)
    for url in (remote.url, f"file://{remote.work}"):
        git = opened(url=url)
        assert "slots/s0.toml" in files(git.export(git.tip()))
    assert not trace.exists()


def test_the_machines_own_configuration_has_no_say(opened: Opened, tmp_path: Path) -> None:
    trace, config = tmp_path / "trace", tmp_path / "home/.gitconfig"
    config.parent.mkdir()
    config.write_text(f'[url "file:///nowhere/"]\n\tinsteadOf = file:///\n[core]\n\tfsmonitor = "touch {trace}"\n')
    environ = os.environ | {
        "HOME": str(config.parent),
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_TRACE": str(trace),
        "GIT_DIR": "/nowhere",
        "GIT_EXEC_PATH": "/nowhere",
        "GIT_SSH_COMMAND": f"touch {trace}",
    }
    git = opened(environ=environ)
    assert git.export(git.tip())
    assert not trace.exists()


def too_large(opened: Opened, commit: str, limits: Limits) -> str:
    with pytest.raises(GitFault) as fault:
        opened(limits=limits).export(commit)
    assert fault.value.kind == "too_large"
    return str(fault.value)


def test_a_large_file_many_files_and_much_in_all_are_refused(remote: Remote, opened: Opened, tmp_path: Path) -> None:
    remote.write("slots/big.toml", b"#" * 5_000)
    commit = remote.push()
    assert "`slots/big.toml` has 5000 bytes" in too_large(opened, commit, Limits(file=4_000))
    assert "holds 4 slot files, more than 3" in too_large(opened, commit, Limits(files=3))
    assert "more than 5050 bytes together" in too_large(opened, commit, Limits(total=5_050))
    assert "a folder's listing has" in too_large(opened, commit, Limits(tree=40))
    assert "the commit" in too_large(opened, commit, Limits(commit=40))
    assert nothing_left(tmp_path / "state") or not (tmp_path / "state/revisions").exists()


def test_a_pack_that_is_too_large_is_cut_off_and_leaves_nothing(remote: Remote, opened: Opened, tmp_path: Path) -> None:
    remote.write("noise", os.urandom(3_000_000))
    commit = remote.push()
    message = too_large(opened, commit, Limits(fetched=1_048_576))
    assert "takes more than 1 MiB to fetch" in message
    remote.git("rm", "-q", "noise")
    git = opened()
    assert git.export(remote.push())
    assert sum(path.stat().st_size for path in (tmp_path / "state/git").rglob("*") if path.is_file()) < 100_000


def test_a_tree_that_unfolds_without_end_costs_nothing(remote: Remote, opened: Opened) -> None:
    """Ten names for the same folder, 40 deep: 10^40 files for whoever lists them all."""
    oid, kind = remote.object("blob", b"x"), "100644"
    for _ in range(40):
        data = b"".join(f"{kind} {n}.toml".encode() + b"\0" + bytes.fromhex(oid) for n in range(10))
        oid, kind = remote.object("tree", data), "40000"
    profile = remote.object("blob", b"x = 1\n")
    commit = remote.crafted([("40000", b"deep", oid), ("100644", b"profiles.toml", profile)])
    assert files(opened().export(commit)) == {"profiles.toml": b"x = 1\n"}


def test_the_limits_are_those_of_a_home() -> None:
    limits = Limits()
    assert (limits.file, limits.files, limits.total) == (scan.FILE_LIMIT, scan.FILES_LIMIT, scan.TOTAL_LIMIT)


@pytest.mark.parametrize("subject", ["\x1b[2Jx", "a\x07b", "x" * 5_000, "\u202eabc"])
def test_what_a_commit_says_of_itself_is_one_short_printable_line(remote: Remote, opened: Opened, subject: str) -> None:
    revision = opened().fetch(remote.push(subject, "--author", "E\x1bve\u202e <e\u200f@x>"))
    for text in (revision.subject, revision.author):
        assert text.isprintable()
        assert 0 < len(text) <= 301
