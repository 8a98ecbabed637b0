"""A commit is taken when somebody named in the settings signed it, and in no other case."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hal0_operator.seams.git import GitFault
from tests.gitops.conftest import Opened
from tests.gitops.remotes import ENV, Remote, files
from tests.gitops.ssh_server import new_key


class SshSigner:
    """A key that commits are signed with, and the file that names it."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(exist_ok=True)
        self.name, self.key = name, folder / name
        self.public = new_key(self.key, name)

    def options(self) -> list[str]:
        return ["-c", "gpg.format=ssh", "-c", f"user.signingKey={self.key}"]

    def allowed(self, more: str = "") -> str:
        return f"{self.name}@example.org {more}{self.public}\n"


def signed(remote: Remote, options: list[str], env: dict[str, str] | None = None) -> str:
    remote.git(*options, "commit", "-q", "--allow-empty", "-S", "-m", "Signed", env=env)
    remote.git("push", "-q", "--force", "origin", "HEAD:refs/heads/main")
    return remote.git("rev-parse", "HEAD")


def refused(opened: Opened, commit: str, **settings: Any) -> str:
    for verb in ("fetch", "export"):
        with pytest.raises(GitFault) as fault:
            getattr(opened(**settings), verb)(commit)
        assert fault.value.kind == "unverified"
    return str(fault.value)


@pytest.fixture
def ada(tmp_path: Path) -> SshSigner:
    return SshSigner(tmp_path / "keys", "ada")


@pytest.fixture
def ssh(tmp_path: Path, ada: SshSigner) -> dict[str, str]:
    """Settings under which ada's signature counts."""
    (tmp_path / "signers").write_text(ada.allowed())
    return {"verify": "ssh", "allowed_signers": str(tmp_path / "signers")}


def test_an_ssh_signature_counts_and_its_owner_is_told(
    remote: Remote, opened: Opened, ada: SshSigner, ssh: dict[str, str]
) -> None:
    git = opened(**ssh)
    commit = signed(remote, ada.options())
    assert git.fetch(commit).signer.startswith("ada@example.org (SHA256:")
    assert "slots/s0.toml" in files(git.export(commit))
    assert git.kept()[0].signer.startswith("ada@example.org")


def test_no_signature_a_strangers_and_a_forged_one_do_not_count(
    remote: Remote, opened: Opened, ada: SshSigner, ssh: dict[str, str], tmp_path: Path
) -> None:
    assert "bears no signature" in refused(opened, remote.push("Plain"), **ssh)
    stranger = SshSigner(tmp_path / "keys", "eve")
    assert "is not signed (ssh) by anybody in" in refused(opened, signed(remote, stranger.options()), **ssh)
    commit = signed(remote, ada.options())
    raw = remote.git("cat-file", "commit", commit)
    forged = remote.object("commit", raw.replace("Signed", "Sighed").encode() + b"\n")
    remote.git("push", "-q", "--force", "origin", f"{forged}:refs/heads/main")
    assert "is not signed" in refused(opened, forged, **ssh)


@pytest.mark.parametrize("more", ['valid-before="20200101" ', 'namespaces="file" '])
def test_a_key_that_expired_or_is_for_something_else_does_not_count(
    remote: Remote, opened: Opened, ada: SshSigner, ssh: dict[str, str], tmp_path: Path, more: str
) -> None:
    (tmp_path / "signers").write_text(ada.allowed(more))
    refused(opened, signed(remote, ada.options()), **ssh)


@pytest.mark.parametrize("what", ["missing", "empty", "a folder", "nonsense"])
def test_a_list_of_signers_that_says_nothing_lets_nobody_in(
    remote: Remote, opened: Opened, ada: SshSigner, tmp_path: Path, what: str
) -> None:
    path = tmp_path / "signers"
    if what == "a folder":
        path.mkdir()
    elif what != "missing":
        path.write_text("" if what == "empty" else "nonsense\n")
    refused(opened, signed(remote, ada.options()), verify="ssh", allowed_signers=str(path))


def test_an_export_made_without_a_signature_does_not_count_once_one_is_asked_for(
    remote: Remote, opened: Opened, ada: SshSigner, ssh: dict[str, str]
) -> None:
    plain = remote.push("Plain")
    assert opened().export(plain)
    refused(opened, plain, **ssh)


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A GNUPGHOME with ada's secret key, and one that knows her public key alone."""
    secret, public = tmp_path_factory.mktemp("gs"), tmp_path_factory.mktemp("gp")
    for folder in (secret, public):
        folder.chmod(0o700)
    for name in ("ada", "eve"):
        words = [
            "--batch",
            "--passphrase",
            "",
            "--quick-generate-key",
            f"{name}@example.org",
            "ed25519",
            "sign",
            "never",
        ]
        gpg(secret, *words)
    gpg(public, "--batch", "--import", stdin=gpg(secret, "--export", "ada@example.org"))
    yield secret, public
    subprocess.run(["gpgconf", "--kill", "all"], env=ENV | {"GNUPGHOME": str(secret)}, check=True)


def gpg(home: Path, *words: str, stdin: bytes = b"") -> bytes:
    env = ENV | {"GNUPGHOME": str(home)}
    return subprocess.run(["gpg", *words], env=env, input=stdin, capture_output=True, check=True).stdout


def gpg_signed(remote: Remote, secret: Path, name: str) -> str:
    return signed(remote, ["-c", f"user.signingKey={name}@example.org"], {"GNUPGHOME": str(secret)})


def test_a_gpg_signature_counts_when_the_keyring_knows_its_key(
    remote: Remote, opened: Opened, keyring: tuple[Path, Path], ssh: dict[str, str]
) -> None:
    secret, public = keyring
    settings = {"verify": "gpg", "allowed_signers": str(public)}
    commit = gpg_signed(remote, secret, "ada")
    assert opened(**settings).fetch(commit).signer.startswith("ada@example.org (")
    assert "is not signed" in refused(opened, commit, **ssh)
    assert "its key is unknown there" in refused(opened, gpg_signed(remote, secret, "eve"), **settings)
    refused(opened, commit, verify="gpg", allowed_signers="/nowhere")
    raw = remote.git("cat-file", "commit", commit).replace("Signed", "Sighed")
    forged = remote.object("commit", raw.encode() + b"\n")
    remote.git("push", "-q", "--force", "origin", f"{forged}:refs/heads/main")
    assert "the signature is of something else" in refused(opened, forged, **settings)
    refused(opened, remote.push("Plain"), **settings)


def test_an_ssh_signature_is_no_gpg_signature(
    remote: Remote, opened: Opened, ada: SshSigner, keyring: tuple[Path, Path]
) -> None:
    refused(opened, signed(remote, ada.options()), verify="gpg", allowed_signers=str(keyring[1]))


def test_the_users_own_keyring_has_no_say(
    remote: Remote, opened: Opened, keyring: tuple[Path, Path], tmp_path: Path
) -> None:
    secret, _ = keyring
    empty = tmp_path / "empty"
    empty.mkdir(mode=0o700)
    environ = os.environ | {"GNUPGHOME": str(secret), "HOME": str(secret)}
    refused(opened, gpg_signed(remote, secret, "ada"), verify="gpg", allowed_signers=str(empty), environ=environ)
