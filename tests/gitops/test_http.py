"""Over HTTP: tokens reach the server and nothing else, faults are told apart, and an unchanged remote costs one call."""

import contextlib
import os
import time
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hal0_operator.seams.git import GitFault
from tests.gitops.conftest import Opened
from tests.gitops.http_server import HttpRemote, counting_git
from tests.gitops.remotes import Remote, files

TOKEN = "ghp_S3cretS3cretS3cret"


@pytest.fixture
def token_file(tmp_path: Path) -> str:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    return str(path)


def all_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_repository_is_followed_over_http(remote: Remote, opened: Opened, tmp_path: Path) -> None:
    with HttpRemote(tmp_path) as server:
        git = opened(url=server.url)
        first = files(git.export(git.tip()))
        remote.write("slots/s0.toml", "port = 9000\n")
        commit = remote.push()
        assert git.tip() == commit
        assert files(git.export(commit)) == first | {"slots/s0.toml": b"port = 9000\n"}


@pytest.mark.parametrize("written", [TOKEN, f"robot:{TOKEN}"])
def test_a_token_lets_in_and_is_read_anew(opened: Opened, tmp_path: Path, token_file: str, written: str) -> None:
    with HttpRemote(tmp_path, TOKEN) as server:
        git = opened(url=server.url, token_file=token_file)
        Path(token_file).write_text("old")
        with pytest.raises(GitFault, match="does not let this machine in") as fault:
            git.tip()
        assert fault.value.kind == "auth"
        Path(token_file).write_text(f"{written}\n")
        assert git.export(git.tip())


def test_without_a_token_nobody_is_prompted(opened: Opened, tmp_path: Path) -> None:
    with HttpRemote(tmp_path, TOKEN) as server, pytest.raises(GitFault) as fault:
        opened(url=server.url, environ=os.environ | {"GIT_ASKPASS": "/bin/echo", "DISPLAY": ":0"}).tip()
    assert fault.value.kind == "auth"


@pytest.mark.parametrize("data", [b"", b"\n", b"two words", b"\xff\xfe", b"a\nb", b"x" * 10_000])
def test_a_token_file_without_a_token_is_said_so_and_not_shown(
    opened: Opened, token_file: str, data: bytes, tmp_path: Path
) -> None:
    Path(token_file).write_bytes(data)
    with HttpRemote(tmp_path) as server:
        with pytest.raises(GitFault, match="holds no token: one line") as fault:
            opened(url=server.url, token_file=token_file).tip()
        assert server.requests == []
    assert fault.value.kind == "auth"


def test_a_token_file_that_is_not_there_is_named(opened: Opened) -> None:
    with pytest.raises(GitFault, match="token_file /no/token: No such file") as fault:
        opened(url="http://127.0.0.1:1/x", token_file="/no/token").tip()
    assert fault.value.kind == "auth"


def descendants() -> dict[int, str]:
    """Every process below this one, with its arguments."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stat = Path(f"/proc/{name}/stat").read_text()
                parents[int(name)] = int(stat.rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
    found: dict[int, str] = {}
    for pid in parents:
        above = pid
        while above in parents and above != os.getpid():
            above = parents[above]
        if above == os.getpid() and pid != os.getpid():
            found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
    return found


def all_arguments() -> Iterator[str]:
    """Of every process of this machine, also of those whose parents ended."""
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            yield Path(f"/proc/{int(name) if name.isdigit() else 0}/cmdline").read_bytes().decode("utf-8", "replace")


def test_a_token_stands_in_no_argument_file_or_message(opened: Opened, tmp_path: Path, token_file: str) -> None:
    faults: list[GitFault] = []
    with HttpRemote(tmp_path, TOKEN) as server:
        git = opened(url=server.url, token_file=token_file)
        commit = git.tip()
        server.held.clear()
        fetching = threading.Thread(target=git.export, args=(commit,))
        fetching.start()
        assert server.reached.wait(20)
        arguments = descendants()
        basic = server.requests[-1][1].removeprefix("Basic ")
        server.held.set()
        fetching.join()
        for server.status in (403, 404, 500):
            with pytest.raises(GitFault) as fault:
                git.tip()
            faults.append(fault.value)
    assert any("remote-http" in words or "\0fetch\0" in words for words in arguments.values())
    assert len(basic) > 20
    said = "\0".join([*arguments.values(), *(str(fault) for fault in faults)])
    for secret in (TOKEN, basic):
        assert secret not in said
        assert secret.encode() not in all_of(tmp_path / "state")
    assert git.export(commit)


def test_a_token_is_sent_to_no_server_that_another_one_names(opened: Opened, tmp_path: Path, token_file: str) -> None:
    with HttpRemote(tmp_path) as other, HttpRemote(tmp_path, TOKEN) as server:
        server.redirect = f"http://127.0.0.1:{other.port}"
        with pytest.raises(GitFault) as fault:
            opened(url=server.url, token_file=token_file).tip()
        assert other.requests == []
        assert opened(url=server.url).tip()  # without a token there is nothing to lose
    assert fault.value.kind == "no_repository"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, "auth"), (403, "auth"), (404, "no_repository"), (410, "no_repository"), (500, "unreachable")]
    + [(502, "unreachable"), (503, "unreachable"), (429, "unreachable")],
)
def test_what_a_server_answers_has_a_name(opened: Opened, tmp_path: Path, status: int, kind: str) -> None:
    with HttpRemote(tmp_path) as server:
        server.status = status
        with pytest.raises(GitFault) as fault:
            opened(url=server.url).tip()
    assert fault.value.kind == kind
    assert server.url in str(fault.value)


def test_a_server_without_a_certificate_that_counts_is_not_believed(opened: Opened, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    words += ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(both), "-out", str(both)]
    subprocess.run(words, check=True, capture_output=True)
    with HttpRemote(tmp_path, certificate=both) as server:
        for environ in ({}, {"GIT_SSL_NO_VERIFY": "1"}):
            with pytest.raises(GitFault, match="cannot prove who it is") as fault:
                opened(url=server.url, environ=os.environ | environ).tip()
            assert fault.value.kind == "host_key"
        assert server.requests == []
        assert opened(url=server.url, environ=os.environ | {"GIT_SSL_CAINFO": str(both)}).tip()


def test_a_server_that_is_not_there_is_unreachable(opened: Opened, tmp_path: Path) -> None:
    with HttpRemote(tmp_path) as server:
        pass
    for url in (server.url, "http://nowhere.invalid/x"):
        with pytest.raises(GitFault, match="cannot be reached") as fault:
            opened(url=url).tip()
        assert fault.value.kind == "unreachable"


def test_a_server_that_never_answers_is_given_up_with_all_its_processes(opened: Opened, tmp_path: Path) -> None:
    with HttpRemote(tmp_path) as server:
        git = opened(url=server.url, timeout_s=0.5)
        commit = git.tip()
        server.held.clear()
        with pytest.raises(GitFault, match=r"did not answer within 0\.5 s") as fault:
            git.fetch(commit)
        assert fault.value.kind == "timeout"
        end = time.monotonic() + 5  # a process that was killed may need a moment to be gone
        while left := [words for words in all_arguments() if server.url in words]:
            assert time.monotonic() < end, left
        server.held.set()
        assert opened(url=server.url).export(commit)


def test_an_unchanged_remote_costs_one_git(opened: Opened, tmp_path: Path) -> None:
    path, log = counting_git(tmp_path)
    with HttpRemote(tmp_path) as server:
        git = opened(url=server.url, environ={"PATH": path})
        commit = git.tip()
        git.export(commit)
        assert log.read_text().split() == ["ls-remote", "cat-file", "fetch", "cat-file", "cat-file"]
        for _ in range(3):
            log.write_text("")
            assert git.tip() == commit
            assert git.export(commit)
            assert log.read_text().split() == ["ls-remote"]
        log.write_text("")
        git.fetch(commit)
        assert log.read_text().split() == ["cat-file"]
