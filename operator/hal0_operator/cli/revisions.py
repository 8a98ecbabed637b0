"""A home as it is in a revision of the git checkout that it lies in; nothing is checked out, and no hook is run.

What makes up a home, and which links are followed, is the operator's own answer: ``gitops.tree``.
"""

import os
import re
from typing import NamedTuple

from hal0_operator.cli.options import Failed
from hal0_operator.desired.source import HomeFiles, SourceFile
from hal0_operator.gitops.command import Command, scrubbed
from hal0_operator.gitops.limits import Limits
from hal0_operator.gitops.objects import Damaged, Objects
from hal0_operator.gitops.process import Answer
from hal0_operator.gitops.tree import HomeTree, contents
from hal0_operator.model.settings import GitopsSettings
from hal0_operator.seams.git import GitFault

TIMEOUT_S = 60.0
"""For each answer of git."""
_AMBIGUOUS = re.compile(r"^warning: refname '(.+)' is ambiguous", re.MULTILINE)
_NOTHING_SAID = re.compile(r"^(warning: .*|fatal: Needed a single revision)$", re.MULTILINE)
"""What git says of whatever it does not find, and beside it."""
_ID = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64})\n")
_CERTAIN = re.compile(r"HEAD|@|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
"""What git takes for one thing whatever branches and tags are called."""


class Unfit(Failed):
    """The operator would take nothing of this revision, and leave the last one in force."""


class Checkout(NamedTuple):
    """``top`` holds ``.git``; ``path`` is the home's folder below it, ``""`` for itself."""

    top: str
    path: str


def home_at(home: str, revision: str) -> tuple[HomeFiles, tuple[str, ...]]:
    """The files of ``home`` as they are in ``revision``, and warnings.  Raises ``Failed``, ``Unfit`` among them."""
    checkout = _checkout(home)
    command = Command(GitopsSettings(url=checkout.top, timeout_s=TIMEOUT_S), os.environ)
    try:
        commit = _commit(command, checkout.top, revision)
        with Objects(command, _git_dir(checkout.top)) as objects:
            found = HomeTree(objects, commit, checkout.path, Limits(), {}).listing()
            texts = zip(found.blobs, contents(objects, found.blobs), strict=True)
            files = {name: SourceFile(name, data) for name, data in ((os.fsdecode(b.name), data) for b, data in texts)}
    except GitFault as fault:
        raise _failed(fault, checkout.top) from fault
    except Damaged as damaged:
        missing = f"{revision} cannot be read in {checkout.top}: {damaged}"
        raise Failed(f"{missing}; where the clone left objects out (--filter), fetch them first") from damaged
    return HomeFiles(files, slots_folder=found.slots, revision=commit), found.warnings


def _checkout(home: str) -> Checkout:
    """Where the checkout's ``.git`` is.

    git itself also takes a folder that looks like a repository for one, and anybody can commit such a folder.
    """
    for start in dict.fromkeys((os.path.abspath(home), os.path.realpath(home))):
        top = start
        while not os.path.lexists(_git_dir(top)):
            if top == os.path.dirname(top):
                break
            top = os.path.dirname(top)
        else:
            path = os.path.relpath(start, top)
            return Checkout(top, "" if path == "." else _encodable(path))
    if all(os.path.exists(os.path.join(home, name)) for name in ("HEAD", "objects", "refs")):
        raise Failed(
            f"{home} is bare: plan finds the home's folder by a work tree, so clone it, or git worktree add one"
        )
    raise Failed(f"{home} lies in no checkout of a git repository, so there are no revisions of it")


def _git_dir(top: str) -> str:
    return os.path.join(top, ".git")


def _encodable(path: str) -> str:
    try:
        path.encode()
    except UnicodeEncodeError as failed:
        raise Failed(f"{path!r} is not UTF-8, as the name of a home's folder in a repository is: rename it") from failed
    return path


def _commit(command: Command, top: str, revision: str) -> str:
    """The full id.  Raises ``Failed`` for a word that names nothing, or two things."""
    words = ("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    answer = command.local(words, _git_dir(top), {}, {"core.warnAmbiguousRefs": "true"})
    if "not a git repository" in answer.err:
        raise Failed(f"{_git_dir(top)} is no git repository")
    found = _ID.fullmatch(answer.out.decode("ascii", "replace"))
    if answer.code != 0 or found is None:
        raise Failed(_not_found(command, top, revision, answer.err))
    for name in _AMBIGUOUS.findall(answer.err):
        if not _CERTAIN.fullmatch(name):
            hint = f"write refs/heads/{name}, refs/tags/{name} or a commit's full id"
            raise Failed(f"{revision!r} is ambiguous in {top}: {name} names more than one thing; {hint}")
    return found[1]


def _not_found(command: Command, top: str, revision: str, said: str) -> str:
    """Why a word names no commit: git's own reason where it has one."""
    if why := scrubbed(_NOTHING_SAID.sub("", said), ()):
        return f"git does not read {_git_dir(top)} for {revision!r}: {why}"
    message = f"{revision!r} is no revision of the git checkout in {top}"

    def asked(*words: str) -> Answer:
        return command.local(("rev-parse", *words), _git_dir(top), {}, {})

    hints = [f"a folder is written as a path, such as ./{revision}"] if os.path.isdir(revision) else []
    if asked("--verify", "HEAD").code != 0:
        hints.append("its HEAD leads to no commit: commit something first, or name a branch")
    if asked("--is-shallow-repository").out.strip() == b"true":
        hints.append("the clone is shallow: git fetch --unshallow fetches what is missing")
    if not hints and not revision.startswith(("HEAD", "@")):
        hints.append(f"a folder is written as a path, such as ./{revision}")
    return "; ".join([message, *hints])


def _failed(fault: GitFault, top: str) -> Failed:
    match fault.kind:
        case "timeout":
            return Failed(f"git did not answer within {TIMEOUT_S:g} s about {top}")
        case "local":
            return Failed(str(fault))
        case _:
            return Unfit(str(fault))
