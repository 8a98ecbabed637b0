"""An sshd of the tests' own: its keys, its port, and nothing of the machine's configuration."""

import getpass
import os
import shutil
import socket
import subprocess
from pathlib import Path

from tests.gitops.remotes import ENV


def new_key(path: Path, comment: str = "") -> str:
    """A key pair; the public half."""
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    return path.with_suffix(".pub").read_text().strip()


class SshRemote:
    """An sshd; a context.  ``key`` lets in, ``known_hosts`` names its host key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "sshd"
        self.folder.mkdir(mode=0o700)
        self.key, self.known_hosts = self.folder / "key", self.folder / "known_hosts"
        public = new_key(self.key)
        self.host_key = new_key(self.folder / "host")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.name = f"[127.0.0.1]:{self.port}"
        self.known_hosts.write_text(f"{self.name} {self.host_key}\n")
        (self.folder / "authorized").write_text(public + "\n")
        config = {
            "Port": self.port,
            "ListenAddress": "127.0.0.1",
            "HostKey": self.folder / "host",
            "AuthorizedKeysFile": self.folder / "authorized",
            "PidFile": "none",
            "UsePAM": "no",
            "StrictModes": "no",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
        }
        (self.folder / "config").write_text("".join(f"{key} {value}\n" for key, value in config.items()))
        self._child: subprocess.Popen[str] | None = None

    def __enter__(self) -> "SshRemote":
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        assert sshd is not None, "run deploy/setup test"
        words = [sshd, "-D", "-e", "-f", str(self.folder / "config")]
        self._child = subprocess.Popen(words, stderr=subprocess.PIPE, env=ENV, text=True)
        assert self._child.stderr is not None
        said = self._child.stderr.readline()
        assert "listening" in said, said
        return self

    def __exit__(self, *_: object) -> None:
        assert self._child is not None
        self._child.kill()
        self._child.communicate()

    def url(self, path: Path) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{path}"
