"""How the remote is reached: which protocol, key and token.  Credentials reach the child's environment only."""

import base64
import os
import re
import shlex
from typing import NamedTuple
from urllib.parse import unquote

from hal0_operator.gitops.limits import TOKEN
from hal0_operator.model.settings import GitopsSettings
from hal0_operator.seams.git import GitFault, GitFaultKind

_SCHEME = re.compile(r"([a-z]+)://")
ANY_USER = "x-access-token"
"""The user's name that a bare token goes with; the common servers look at the token alone."""


class Access(NamedTuple):
    """Variables and configuration for one call, and the texts that no message may hold."""

    env: dict[str, str]
    config: tuple[tuple[str, str], ...]
    secrets: tuple[str, ...] = ()


def scheme(url: str) -> str:
    """The protocol of an address; ``git@host:path`` is ssh."""
    found = _SCHEME.match(url)
    return found[1] if found else "ssh"


def local_path(url: str) -> str:
    """The folder that a file:// address names, as git reads it, else ``""``."""
    return unquote(url.removeprefix("file://")) if url.startswith("file://") else ""


def access(settings: GitopsSettings) -> Access:
    """Read anew for every call, so that a file may be replaced.  Raises ``GitFault``, ``auth`` or ``host_key``."""
    protocol = scheme(settings.url)
    env = {"GIT_ALLOW_PROTOCOL": protocol}
    if protocol == "ssh":
        _readable(settings.ssh_key_file, "ssh_key_file", "auth")
        _readable(settings.known_hosts, "known_hosts", "host_key")
        return Access(env | {"GIT_SSH_COMMAND": ssh_command(settings), "GIT_SSH_VARIANT": "ssh"}, ())
    if protocol not in ("http", "https") or not settings.token_file:
        return Access(env, ())
    token = _token(settings.token_file)
    user, colon, password = token.partition(":")
    if not colon:
        user, password = ANY_USER, token
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    origin = re.match(r"https?://[^/]+/", settings.url)
    assert origin is not None
    # A redirect would carry the header to a server that nobody named.
    config = ((f"http.{origin[0]}.extraHeader", f"Authorization: Basic {basic}"), ("http.followRedirects", "false"))
    return Access(env, config, (basic, token, password))


def ssh_command(settings: GitopsSettings) -> str:
    """Ssh with one key, the pinned host keys, and nothing that any configuration of this machine says."""
    options = (
        "BatchMode=yes",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "StrictHostKeyChecking=yes",
        f"UserKnownHostsFile={settings.known_hosts}",
        "GlobalKnownHostsFile=/dev/null",
        "UpdateHostKeys=no",
        "PasswordAuthentication=no",
        "KbdInteractiveAuthentication=no",
        "ClearAllForwardings=yes",
        "PermitLocalCommand=no",
        "ControlMaster=no",
        "ControlPath=none",
        "ServerAliveInterval=15",
        f"ConnectTimeout={max(int(settings.timeout_s), 1)}",
    )
    words = ["ssh", "-F", "/dev/null", "-i", settings.ssh_key_file]
    return shlex.join([*words, *(word for option in options for word in ("-o", option))])


def _readable(path: str, key: str, kind: GitFaultKind) -> None:
    if not path:
        raise GitFault(kind, f"ssh is not used without [gitops] {key}: name that file in the settings")
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK))
    except OSError as failed:
        raise GitFault(
            kind, f"[gitops] {key} {path}: {failed.strerror}; the remote is not asked without it"
        ) from failed


def _token(path: str) -> str:
    """``token`` or ``user:token``.  Raises ``GitFault``, which never holds what was read."""
    where = f"[gitops] token_file {path}"
    try:
        with open(path, "rb", opener=_opener) as file:
            data = file.read(TOKEN + 1)
    except OSError as failed:
        raise GitFault("auth", f"{where}: {failed.strerror}; the remote is not asked without it") from failed
    try:
        token = data.decode("ascii").strip()
    except UnicodeDecodeError:
        token = ""
    if not token or len(data) > TOKEN or not token.isprintable() or " " in token:
        raise GitFault("auth", f"{where}: holds no token: one line, the token alone or user:token")
    return token


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK)
