"""Whether a commit bears a signature that counts, and whose.  Anything but a clear yes is a no."""

import os
import re

from hal0_operator.gitops.command import Command, scrubbed
from hal0_operator.gitops.process import Answer
from hal0_operator.seams.git import GitFault

_SSH = re.compile(r'^Good "git" signature for (.+) with (\S+) key (SHA256:[A-Za-z0-9+/=]+)$', re.MULTILINE)
_GOOD = re.compile(r"^\[GNUPG:\] GOODSIG [0-9A-F]+ (.+)$", re.MULTILINE)
_VALID = re.compile(r"^\[GNUPG:\] VALIDSIG ([0-9A-F]{40,64}) .*$", re.MULTILINE)
_BAD = re.compile(r"^\[GNUPG:\] (BADSIG|ERRSIG|EXPSIG|EXPKEYSIG|REVKEYSIG|NODATA|FAILURE)\b", re.MULTILINE)
_WHY = (
    ("BADSIG", "the signature is of something else"),
    ("REVKEYSIG", "its key was revoked"),
    ("EXPKEYSIG", "its key has expired"),
    ("EXPSIG", "the signature has expired"),
    ("NO_PUBKEY", "its key is unknown there"),
)
"""gpg says it for programs; the first that occurs."""


def signer(command: Command, git_dir: str, commit: str) -> str:
    """Who signed it, ``""`` where the settings ask for no signature.  Raises ``GitFault``, ``unverified``."""
    settings = command.settings
    words = ("verify-commit", "--raw", commit)
    if settings.verify == "none":
        return ""
    _there(settings.allowed_signers)
    if settings.verify == "ssh":
        signers = {"gpg.ssh.program": "ssh-keygen", "gpg.ssh.allowedSignersFile": settings.allowed_signers}
        answer = command.local(words, git_dir, {}, signers)
        found = _SSH.search(answer.err)
        if answer.code == 0 and found is not None and len(_SSH.findall(answer.err)) == 1:
            return scrubbed(f"{found[1]} ({found[3]})", ())
    else:
        answer = command.local(words, git_dir, {"GNUPGHOME": settings.allowed_signers}, {"gpg.program": "gpg"})
        good, valid = _GOOD.findall(answer.err), _VALID.findall(answer.err)
        if answer.code == 0 and len(good) == len(valid) == 1 and not _BAD.search(answer.err):
            return scrubbed(f"{good[0]} ({valid[0]})", ())
    raise GitFault("unverified", _refusal(answer, commit, settings.verify, settings.allowed_signers))


def _there(signers: str) -> None:
    """Git would say of a list that cannot be read that it names nobody."""
    try:
        os.stat(signers)
    except OSError as failed:
        why = f"[gitops] allowed_signers {signers}: {failed.strerror}; no commit counts without it"
        raise GitFault("unverified", why) from failed


def _refusal(answer: Answer, commit: str, way: str, signers: str) -> str:
    told = next((what for word, what in _WHY if f"[GNUPG:] {word}" in answer.err), "")
    lines = [line for line in answer.err.splitlines() if line.strip() and not line.startswith("[GNUPG:]")]
    why = told or (scrubbed(lines[-1], ()) if lines else "it bears no signature of that kind")
    return (
        f"commit {commit[:12]} is not signed ({way}) by anybody in {signers}: {why}; "
        "sign it with a key that is named there"
    )
