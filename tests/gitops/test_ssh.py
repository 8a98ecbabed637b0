"""Over ssh: one key, the pinned host keys, no prompt, and nothing of the machine's own ssh configuration."""

import getpass
from collections.abc import Iterator
from pathlib import Path

import pytest

from hal0_operator.gitops.access import ssh_command
from hal0_operator.model.settings import GitopsSettings
from hal0_operator.seams.git import GitFault
from tests.gitops.conftest import Opened
from tests.gitops.remotes import Remote, files
from tests.gitops.ssh_server import SshRemote, new_key


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshRemote]:
    with SshRemote(tmp_path_factory.mktemp("ssh")) as running:
        yield running


def settings(server: SshRemote, remote: Remote) -> dict[str, str]:
    return {
        "url": server.url(remote.bare),
        "ssh_key_file": str(server.key),
        "known_hosts": str(server.known_hosts),
    }


def fault_of(opened: Opened, **settings: str) -> GitFault:
    with pytest.raises(GitFault) as fault:
        opened(**settings).tip()
    return fault.value


def test_a_repository_is_followed_over_ssh(server: SshRemote, remote: Remote, opened: Opened) -> None:
    git = opened(**settings(server, remote))
    first = files(git.export(git.tip()))
    remote.write("slots/s0.toml", "port = 9000\n")
    commit = remote.push()
    assert git.tip() == commit
    assert files(git.export(commit)) == first | {"slots/s0.toml": b"port = 9000\n"}


def test_several_host_keys_may_be_pinned(server: SshRemote, remote: Remote, opened: Opened, tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    other = new_key(tmp_path / "other")
    hosts.write_text(f"{server.name} {other}\n{server.name} {server.host_key}\n")
    assert opened(**settings(server, remote) | {"known_hosts": str(hosts)}).tip()


@pytest.mark.parametrize("pinned", ["another key", "nothing"])
def test_a_server_that_is_not_the_pinned_one_is_not_believed(
    server: SshRemote, remote: Remote, opened: Opened, tmp_path: Path, pinned: str
) -> None:
    hosts = tmp_path / "hosts"
    text = f"{server.name} {new_key(tmp_path / 'other')}\n" if pinned == "another key" else ""
    hosts.write_text(text)
    fault = fault_of(opened, **settings(server, remote) | {"known_hosts": str(hosts)})
    assert fault.kind == "host_key"
    assert "none of the keys in [gitops] known_hosts" in str(fault)
    assert hosts.read_text() == text


def test_a_key_without_access_is_told(server: SshRemote, remote: Remote, opened: Opened, tmp_path: Path) -> None:
    new_key(tmp_path / "stranger")
    fault = fault_of(opened, **settings(server, remote) | {"ssh_key_file": str(tmp_path / "stranger")})
    assert fault.kind == "auth"
    assert "does not let this machine in" in str(fault)


def test_a_key_that_others_may_read_is_told(server: SshRemote, remote: Remote, opened: Opened, tmp_path: Path) -> None:
    key = tmp_path / "open"
    key.write_bytes(server.key.read_bytes())
    key.chmod(0o644)
    fault = fault_of(opened, **settings(server, remote) | {"ssh_key_file": str(key)})
    assert fault.kind == "auth"
    assert "Permissions 0644" in str(fault)


@pytest.mark.parametrize(("key", "kind"), [("ssh_key_file", "auth"), ("known_hosts", "host_key")])
def test_files_that_are_missing_are_named_before_anybody_is_asked(
    server: SshRemote, remote: Remote, opened: Opened, key: str, kind: str
) -> None:
    for path, words in (("/nowhere", "/nowhere: No such file"), ("", f"without [gitops] {key}")):
        fault = fault_of(opened, **settings(server, remote) | {key: path})
        assert fault.kind == kind
        assert words in str(fault)


def test_what_the_server_does_not_have_or_is_not_there_is_told_apart(
    server: SshRemote, remote: Remote, opened: Opened
) -> None:
    given = settings(server, remote)
    assert fault_of(opened, **given | {"url": given["url"] + "x"}).kind == "no_repository"
    assert fault_of(opened, **given | {"branch": "none"}).kind == "no_ref"
    assert fault_of(opened, **given | {"url": "ssh://git@127.0.0.1:1/x"}).kind == "unreachable"
    assert fault_of(opened, **given | {"url": "git@nowhere.invalid:x"}).kind == "unreachable"


def test_ssh_reads_no_configuration_and_asks_nobody() -> None:
    words = ssh_command(GitopsSettings(url="git@host:a", ssh_key_file="/k/id", known_hosts="/k/hosts"))
    for option in ("-F /dev/null", "-i /k/id", "BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=yes"):
        assert option in words
    assert "UserKnownHostsFile=/k/hosts" in words
    assert getpass.getuser() not in words.replace("/root", "")
