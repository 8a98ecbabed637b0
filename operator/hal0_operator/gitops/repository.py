"""``seams.git.Git`` with the machine's own git: a cache to fetch into, and exports of what was fetched."""

import contextlib
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping

import msgspec

from hal0_operator.gitops.clone import Clone
from hal0_operator.gitops.command import Command, Pack
from hal0_operator.gitops.export import Exports
from hal0_operator.gitops.faults import oversized, told, unknown
from hal0_operator.gitops.limits import Limits
from hal0_operator.gitops.objects import Damaged, Objects, revision_of
from hal0_operator.gitops.verify import signer
from hal0_operator.model.settings import GitopsSettings
from hal0_operator.seams.git import GitFault, Revision

BLOCK = 512
"""Bytes in which the kernel's bound on a file is given."""
FETCHED = "refs/hal0/fetched"
_ID = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64})\t(\S+)")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class HostGit:
    """The remote of the settings, with its clone and exports below ``state_dir``.

    ``environ`` is where PATH and proxies come from.  ``warn`` is told whole sentences about what a new revision holds
    that has no effect.  Calls from several threads wait for each other.  One call of git takes ``timeout_s`` at most;
    ``fetch`` and ``export`` make a few.
    """

    def __init__(
        self,
        settings: GitopsSettings,
        state_dir: str,
        environ: Mapping[str, str] = os.environ,
        warn: Callable[[str], None] = lambda _: None,
        limits: Limits = Limits(),  # noqa: B008 - frozen
    ) -> None:
        self._settings, self._warn, self._limits = settings, warn, limits
        self._command = Command(settings, environ)
        self._clone = Clone(f"{state_dir}/git", settings.url)
        self._exports = Exports(f"{state_dir}/revisions", settings, limits)
        self._turn = threading.Lock()
        self._fetched: Revision | None = None

    def tip(self) -> str:
        """The commit that is followed; a commit that is named in the settings is not asked for."""
        settings = self._settings
        if settings.commit:
            return settings.commit
        ref = f"refs/tags/{settings.tag}" if settings.tag else f"refs/heads/{settings.branch}"
        # an annotated tag comes with the commit that it is of
        wanted = [ref, f"{ref}^{{}}"] if settings.tag else [ref]
        words = ["ls-remote", "--quiet", *self._command.upload_pack(), "--", settings.url, *wanted]
        answer, used = self._command.remote(words)
        if answer.code != 0:
            raise told(answer, settings, used.secrets) or unknown(answer, settings, used.secrets)
        lines = answer.out.decode("utf-8", "replace").splitlines()
        found = {match[2]: match[1] for match in map(_ID.fullmatch, lines) if match}
        for name in reversed(wanted):
            if name in found:
                return found[name]
        what = f"tag `{settings.tag}`" if settings.tag else f"branch `{settings.branch}`"
        message = f"{settings.url} has no {what}; push it, or correct [gitops]: it is looked for again at the next look"
        raise GitFault("no_ref", message)

    def fetch(self, commit: str) -> Revision:
        with self._turn, self._local_faults():
            return self._fetch(commit)

    def export(self, commit: str) -> str:
        with self._turn, self._local_faults():
            path = self._exports.there(commit)
            if path:
                return path
            try:
                path, warnings = self._export(commit)
            except Damaged:
                self._discard()
                path, warnings = self._export(commit)
        for warning in warnings:
            self._warn(warning)
        return path

    def kept(self) -> tuple[Revision, ...]:
        with self._turn, self._local_faults():
            return self._exports.kept()

    def prune(self, keep: int, needed: frozenset[str]) -> None:
        with self._turn, self._local_faults():
            self._exports.prune(keep, needed)

    def close(self) -> None:
        """Let go of the clone."""
        with self._turn:
            self._clone.close()

    def _fetch(self, commit: str) -> Revision:
        """Have the commit here; a clone that fails for no fault of the remote's is made anew, once."""
        if not _COMMIT.fullmatch(commit):
            raise GitFault("no_ref", f"`{commit[:80]}` is not the full id of a commit")
        try:
            revision = self._had(commit)
        except Damaged:
            self._discard()
            revision = self._had(commit)
        signed_by = signer(self._command, self._clone.path, commit)
        self._fetched = msgspec.structs.replace(revision, signer=signed_by)
        return self._fetched

    def _had(self, commit: str) -> Revision:
        """The commit, from the clone or from the remote.  Raises ``Damaged``."""
        revision = self._here(commit)
        if revision is None:
            self._download(commit)
            revision = self._here(commit)
        if revision is None:
            raise Damaged(f"{commit} is not there after it was fetched")
        return revision

    def _here(self, commit: str) -> Revision | None:
        """The commit, where the clone has it."""
        self._clone.open(len(commit))
        with Objects(self._command, self._clone.path) as objects:
            kind, size = next(iter(objects.sizes([commit])))
            if not kind:
                return None
            if kind != "commit":
                raise GitFault("no_ref", f"{commit} is a {kind}, not a commit, in {self._settings.url}")
            if size > self._limits.commit:
                raise GitFault("too_large", f"the commit {commit} itself has {size} bytes: nothing of it is read")
            return revision_of(commit, objects.read(commit, "commit"))

    def _download(self, commit: str) -> None:
        if self._clone.crowded():
            self._discard()
        held = self._clone.open(len(commit))
        words = ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]
        words += ["--no-auto-maintenance", "--force", *self._command.upload_pack()]
        words += ["--", self._settings.url, f"+{commit}:{FETCHED}"]
        answer, used = self._command.remote(words, self._clone.path, Pack(self._limits, held))
        if answer.code == 0:
            return
        fault = told(answer, self._settings, used.secrets)
        if self._clone.largest() >= self._limits.fetched - BLOCK:  # git itself has no words for what stopped it
            fault = oversized(self._settings, self._limits.fetched)
        if fault is not None and fault.kind == "too_large":
            self._discard()
        if fault is not None:
            raise fault
        raise Damaged(unknown(answer, self._settings, used.secrets).args[0])

    def _export(self, commit: str) -> tuple[str, tuple[str, ...]]:
        """Raises ``Damaged``.  What was fetched last is not looked for, nor its signature looked at, a second time."""
        revision = self._fetched
        if revision is None or revision.commit != commit:
            revision = self._fetch(commit)
        self._clone.open(len(commit))
        with Objects(self._command, self._clone.path) as objects:
            return self._exports.make(objects, revision)

    def _discard(self) -> None:
        self._clone.discard()
        self._fetched = None

    @contextlib.contextmanager
    def _local_faults(self) -> Iterator[None]:
        """A fault of this machine's files, or of a clone that stays damaged, as the seam names it."""
        try:
            yield
        except OSError as failed:
            where = os.fspath(failed.filename or self._exports.folder)
            where = where if isinstance(where, str) else os.fsdecode(where)
            message = f"{where}: {failed.strerror or failed}; what is fetched from {self._settings.url} is kept there"
            raise GitFault("local", message) from failed
        except Damaged as damaged:
            raise GitFault(
                "local", f"the clone of {self._settings.url} is damaged, and was when it was new: {damaged}"
            ) from damaged
