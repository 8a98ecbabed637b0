"""The keys of ``[gitops]`` in the settings file: which repository is followed, and how it is reached."""

import posixpath
import re
from typing import Any

import msgspec

from hal0_operator.desired.faults import Faults, dotted
from hal0_operator.desired.rules import SOME_SECONDS, Choice, Text, Whole, carried, clipped, refuse_kind
from hal0_operator.desired.table import Key, Table
from hal0_operator.model.problem import KeyPath
from hal0_operator.model.settings import GitopsSettings

_HOST = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9.-]*)"
_USER = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*@"
_PORT = r"(:[0-9]{1,5})?"
_URL = (
    rf"^(https?://{_HOST}{_PORT}/[^\s?#]+"
    rf"|ssh://({_USER})?{_HOST}{_PORT}/[^\s?#]+"
    rf"|{_USER}{_HOST}:(?!-)[^\s?#]+"
    r"|file:///[^\s?#]+)$"
)
_PASSWORD = re.compile(r"https?://[^/]*@|ssh://[^/@]*:[^/@]*@")
_SSH = re.compile(r"(?:ssh://|(?!\w+://))")
_KEEP_MOST = 1000

_REF = r"^(?!refs/)(?![-./])(?!.*(\.\.|//|/\.|@\{|\.lock(/|$)|[/.]$))[^\x00-\x20\x7f~^:?*\[\\]+$"
_REF_HINT = "write its name alone, such as main or v1.4.0"


class Url(msgspec.Struct, frozen=True):
    """An address that git may be sent to, without a credential in it."""

    def read(self, value: Any, faults: Faults, path: KeyPath) -> str | None:
        if type(value) is not str:
            refuse_kind(value, "text", faults, path, f'quote it: {path[-1]} = "https://…"')
            return None
        if _PASSWORD.match(value):
            hint = "put the token into a file of its own and name that as `token_file`"
            faults.value(path, f"`{dotted(path)}` must not hold a user's name or password", hint)
            return None
        if not carried(value, faults, path):
            return None
        if not re.search(_URL, value) or "\n" in value:
            hint = "https://host/path, http://, ssh://git@host/path, git@host:path or file:///path"
            faults.value(path, f"`{dotted(path)}` must be the address of a git repository", hint)
            return None
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": _URL}


class Folder(msgspec.Struct, frozen=True):
    """A folder inside a repository; ``./a/b/`` is read as ``a/b``, ``.`` as ``""``."""

    def read(self, value: Any, faults: Faults, path: KeyPath) -> str | None:
        text = Text().read(value, faults, path)
        if text is None:
            return None
        parts = text.split("/")
        if text.startswith("/") or ".." in parts or ".git" in parts:
            wants = "a folder inside the repository"
            hint = "relative to its root, without `..`, such as homes/lab"
            faults.value(path, f"`{dotted(path)}` must be {wants}, not `{clipped(text)}`", hint)
            return None
        folder = posixpath.normpath(text)
        return "" if folder == "." else folder

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^(?!/)(?!(.*/)?(\.\.|\.git)(/|$))"}


_FILE = Text(r"^/", "an absolute path")
_SSH_FILE = Text(r"""^/[^\s"'%$\\]*$""", "an absolute path without spaces, quotes, `%`, `$` and `\\`")

GITOPS = Table(
    "The git repository that the home comes from; none when absent.",
    {
        "url": Key(Url(), "The repository: https, http, ssh, git@host:path or file.", "url"),
        "branch": Key(Text(_REF, "a branch", _REF_HINT), "The branch that is followed; main when absent.", "branch"),
        "tag": Key(Text(_REF, "a tag", _REF_HINT), "The tag that is followed, in place of a branch.", "tag"),
        "commit": Key(
            Text(r"^([0-9a-f]{40}|[0-9a-f]{64})$", "the full id of a commit", "40 hexadecimal digits, in lower case"),
            "The commit that is in force, in place of a branch.",
            "commit",
        ),
        "path": Key(Folder(), "The home's folder in the repository; its root when absent.", "path"),
        "interval_s": Key(SOME_SECONDS, "Seconds between looks at the repository; 60 when absent.", "interval_s"),
        "timeout_s": Key(SOME_SECONDS, "Seconds that one call of git may take; 60 when absent.", "timeout_s"),
        "keep": Key(Whole(1, _KEEP_MOST), "Revisions that are kept to go back to; 5 when absent.", "keep"),
        "verify": Key(
            Choice(("none", "ssh", "gpg")),
            "Which signature a commit must bear to be taken; none when absent.",
            "verify",
        ),
        "allowed_signers": Key(
            _FILE,
            "Whose signatures count: a file as `ssh-keygen -Y` reads it; for gpg a GNUPGHOME folder.",
            "allowed_signers",
        ),
        "known_hosts": Key(
            _SSH_FILE, "The file with the host keys of the ssh server; no other is believed.", "known_hosts"
        ),
        "ssh_key_file": Key(_SSH_FILE, "The file of the private key for ssh.", "ssh_key_file"),
        "token_file": Key(_FILE, "A file with a token, or user:token, for http.", "token_file"),
        "webhook_secret_file": Key(
            _FILE,
            "A file with the secret that signs calls of POST /hooks/git, read at start; none: no hook.",
            "webhook_secret_file",
        ),
    },
    field="gitops",
)


def gitops_settings(values: dict[str, Any], faults: Faults) -> GitopsSettings | None:
    """The table as settings, with what only holds between its keys; None when anything in it is wrong."""
    url = values.get("url", "")
    _one_ref(values, faults)
    if url:
        _reach(url, values, faults)
    elif not _wrong("url", faults):
        faults.key(("gitops",), "`gitops.url` is missing", "name the repository, or remove [gitops]")
    _signers(values, faults)
    if any(problem.path[:1] == ("gitops",) for problem in faults.problems):
        return None
    if values.keys() & {"tag", "commit"}:
        values = {"branch": "", **values}
    return GitopsSettings(**values)


def _one_ref(values: dict[str, Any], faults: Faults) -> None:
    given = [name for name in ("branch", "tag", "commit") if name in values]
    for name in given[1:]:
        message = f"`gitops.{name}` stands beside `gitops.{given[0]}`"
        faults.key(("gitops", name), message, "one of branch, tag and commit is followed: keep that one")


def _wrong(name: str, faults: Faults) -> bool:
    """A key that stands there with a value that was refused: it is not missing, and its fellows are not alone."""
    return any(problem.path == ("gitops", name) for problem in faults.problems)


def _reach(url: str, values: dict[str, Any], faults: Faults) -> None:
    ssh = _SSH.match(url) is not None
    if ssh:
        for name in ("known_hosts", "ssh_key_file"):
            if name not in values and not _wrong(name, faults):
                hint = "ssh is used with this key and these host keys alone"
                faults.value(("gitops", "url"), f"`gitops.url` is reached by ssh, and `gitops.{name}` is missing", hint)
    for name in ("token_file",) if ssh else ("known_hosts", "ssh_key_file"):
        if name in values:
            faults.key(("gitops", name), f"`gitops.{name}` has no effect with this url", "remove it")
    if "token_file" in values and url.startswith("file:"):
        faults.key(("gitops", "token_file"), "`gitops.token_file` has no effect with this url", "remove it")


def _signers(values: dict[str, Any], faults: Faults) -> None:
    wanted = values.get("verify", "none") != "none"
    if wanted and "allowed_signers" not in values and not _wrong("allowed_signers", faults):
        hint = "without it no signature would count"
        faults.value(("gitops", "verify"), "`gitops.verify` needs `gitops.allowed_signers`", hint)
    if not wanted and "allowed_signers" in values and not _wrong("verify", faults):
        hint = 'write verify = "ssh" or verify = "gpg"'
        faults.key(("gitops", "allowed_signers"), "`gitops.allowed_signers` has no effect without verify", hint)
