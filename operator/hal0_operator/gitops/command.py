"""Running git with nothing of this machine's, the user's or the repository's configuration."""

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hal0_operator.gitops import process
from hal0_operator.gitops.access import Access, access, local_path
from hal0_operator.gitops.limits import ANSWER, COMPLAINT, LISTING, Limits
from hal0_operator.gitops.process import Answer, Bounds
from hal0_operator.model.settings import GitopsSettings
from hal0_operator.seams.git import GitFault

PASSED = (
    "PATH",
    "TMPDIR",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
)
"""What a child gets of the operator's own environment."""

CONFIG = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.askPass", ""),
    ("core.attributesFile", "/dev/null"),
    ("core.commitGraph", "false"),
    # the clone is a cache: what a power cut spoils in it is noticed and fetched again
    ("core.fsync", "none"),
    ("core.multiPackIndex", "false"),
    ("credential.helper", ""),
    ("fetch.recurseSubmodules", "false"),
    ("fetch.unpackLimit", "1"),
    ("fetch.writeCommitGraph", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("pack.threads", "2"),
    ("protocol.version", "2"),
    ("submodule.recurse", "false"),
    ("transfer.bundleURI", "false"),
    # a signature is only looked at by the program that the settings name
    ("gpg.program", "false"),
    ("gpg.ssh.program", "false"),
    ("gpg.x509.program", "false"),
)

ENV = {
    "LC_ALL": "C.UTF-8",
    "LANGUAGE": "en",
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "SSH_ASKPASS_REQUIRE": "never",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "false",
}

_LISTING = 'ulimit -v "$0" && exec "$@"'
_BOUNDED = 'ulimit -f "$0" && ulimit -v "$1" && shift && exec "$@"'
NOT_STARTED = {126: "Permission denied", 127: "No such file or directory"}
"""Codes of a shell that could not start a program; git itself ends with neither."""
_NO_GIT = "git cannot be started ({why}): install git, 2.36 or newer"


class Pack(NamedTuple):
    """Bounds that the kernel keeps on a fetch, and a descriptor that every process of it holds."""

    limits: Limits
    held: int


class Command:
    """git for one remote.  ``environ`` is the operator's environment; calls raise ``GitFault``."""

    def __init__(self, settings: GitopsSettings, environ: Mapping[str, str]) -> None:
        self.settings = settings
        self._passed = {name: environ[name] for name in PASSED if name in environ}

    def remote(self, words: Sequence[str], git_dir: str = "", pack: Pack | None = None) -> tuple[Answer, Access]:
        """Run a verb that talks to the remote, with its credentials; the caller judges the answer.

        With ``pack`` it also ends after its time when this process is gone: a ``timeout`` of its own kills it.
        """
        used = access(self.settings)
        argv = ["/bin/sh", "-c", _LISTING, str(LISTING // 1024), "git", *words]
        held: tuple[int, ...] = ()
        if pack is not None:
            seconds = f"{self.settings.timeout_s + LATE_S:.3f}"
            blocks, kib = pack.limits.fetched // 512, pack.limits.memory // 1024
            argv = ["/bin/sh", "-c", _BOUNDED, str(blocks), str(kib), "timeout", "-s", "KILL", seconds, "git", *words]
            held = (pack.held,)
        return self._run(argv, self.environment(git_dir, used), held), used

    def local(self, words: Sequence[str], git_dir: str, env: Mapping[str, str], config: Mapping[str, str]) -> Answer:
        """Run a verb that reads the clone alone, with variables and configuration besides."""
        used = Access({"GIT_ALLOW_PROTOCOL": "none", **env}, tuple(config.items()))
        return self._run(["git", *words], self.environment(git_dir, used))

    def reader(self, git_dir: str) -> subprocess.Popen[bytes]:
        """``cat-file --batch-command`` on the clone."""
        env = self.environment(git_dir, Access({"GIT_ALLOW_PROTOCOL": "none"}, ()))
        try:
            return process.start(["git", "cat-file", "--batch-command"], env, stdin=subprocess.PIPE)
        except OSError as failed:
            raise GitFault("local", _NO_GIT.format(why=failed.strerror)) from failed

    def environment(self, git_dir: str, used: Access) -> dict[str, str]:
        """All variables of a child, the configuration among them: a credential is in no argument."""
        env = {**self._passed, **ENV, **used.env}
        if git_dir:
            env["GIT_DIR"] = git_dir
        pairs = [*CONFIG, ("safe.directory", git_dir or "/"), *used.config]
        env["GIT_CONFIG_COUNT"] = str(len(pairs))
        for number, (name, value) in enumerate(pairs):
            env[f"GIT_CONFIG_KEY_{number}"], env[f"GIT_CONFIG_VALUE_{number}"] = name, value
        return env

    def upload_pack(self) -> tuple[str, ...]:
        """For a file:// remote: it may belong to somebody else, and its process gets no configuration from ours."""
        path = local_path(self.settings.url)
        if not path:
            return ()
        base = path.rstrip("/")
        owned = [f"safe.directory={base}{suffix}" for suffix in ("", ".git", "/.git")]
        words = ["git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"]
        return ("--upload-pack=" + shlex.join([*words, *(w for o in owned for w in ("-c", o)), "upload-pack"]),)

    def _run(self, argv: Sequence[str], env: Mapping[str, str], held: tuple[int, ...] = ()) -> Answer:
        settings = self.settings
        try:
            answer = process.run(argv, env, Bounds(settings.timeout_s, ANSWER, COMPLAINT), held)
        except process.TimedOut:
            raise GitFault("timeout", timed_out(settings)) from None
        except process.TooMuch:
            message = f"{settings.url} answers with more than {ANSWER} bytes, where a line is expected"
            raise GitFault("too_large", f"{message}: it is not a git server") from None
        except OSError as failed:
            raise GitFault("local", _NO_GIT.format(why=failed.strerror)) from failed
        if answer.code in NOT_STARTED:
            raise GitFault("local", _NO_GIT.format(why=NOT_STARTED[answer.code]))
        return answer


def timed_out(settings: GitopsSettings) -> str:
    """What is said of a call that took too long."""
    return f"{settings.url} did not answer within {settings.timeout_s:g} s; [gitops] timeout_s is that time"


LATE_S = 1.0
"""The kill that outlives this process comes after the one of this process."""
LINE = 300
"""Characters of a line of git that a message repeats."""


def scrubbed(text: str, secrets: Sequence[str]) -> str:
    """One printable line without any of the secrets."""
    for secret in sorted(secrets, key=len, reverse=True):
        if secret:
            text = text.replace(secret, "…")
    line = "".join(c if c.isprintable() else " " for c in text).strip()
    return line if len(line) <= LINE else line[:LINE] + "…"
