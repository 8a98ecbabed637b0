"""A repository that is followed: a push until Podman hears of it, a look that finds nothing new, and what size costs."""

import contextlib
import hashlib
import hmac
import http.client
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from hal0_operator.gitops.repository import HostGit
from hal0_operator.home.exported import ExportedReader
from hal0_operator.host.fs import HostFs
from hal0_operator.model.settings import GitopsSettings
from tests.bench.ground import IMAGE, PACE, Operator, Starts
from tests.bench.recorder import Recorder
from tests.bench.running import pause
from tests.bench.table import Row, ratios
from tests.gitops.remotes import Remote
from tests.support.machine import Machine
from tests.support.unix_http import Connection

SECRET = "wild-rose"  # noqa: S105 - of nothing but this
PROFILE = f'[profile.bench]\nimage = "{IMAGE}"\nflags = ""\ndevice_class = "cpu"\n'
SLOT = 'device = "cpu"\nprofile = "bench"\n{more}\n[model]\ndefault = "m.gguf"\ncontext_size = {size}\n'
OFF = "enabled = false\n"
RUNNING = 4
SELDOM_S = 3600.0
"""An interval that never comes: only calls make the operator look."""
ASKED_S = 0.005
"""Between two questions for what is in force."""
MOST_S = 60.0


class Pushed(Remote):
    """A repository of ``count`` slots, of which the first few run; ``change`` pushes one changed file."""

    def __init__(self, folder: Path, count: int, ports: range = range(0)) -> None:
        super().__init__(folder)
        self.count, self.ports, self.edits = count, ports, 0
        self.write("profiles.toml", PROFILE)
        for number in range(count):
            self._write(number, 4096)
        self.push("first")
        for folder in (self.bare, self.work):
            self.git("gc", "-q", at=folder)
            self.git("config", "gc.auto", "0", at=folder)  # nothing tidies up while something is timed

    def change(self, among: int) -> tuple[str, str]:
        """Another context size for one of the first ``among`` slots; its name and the commit."""
        self.edits += 1
        number = self.edits % among
        self._write(number, 5000 + self.edits)
        return f"s{number}", self.push(f"change {self.edits}")

    def age(self, commits: int) -> None:
        """So many commits more, each of which changes one slot."""
        tip = self.git("rev-parse", "HEAD")
        stream = [f"reset refs/heads/main\nfrom {tip}\n"]
        for number in range(commits):
            text = self._text(number % self.count, 10_000 + number)
            told = f"committer Ada <ada@example.org> {1_700_000_001 + number} +0000\ndata 1\n."
            file = f"M 644 inline slots/s{number % self.count}.toml\ndata {len(text)}\n{text}"
            stream.append(f"commit refs/heads/main\n{told}\n{file}\n")
        self.git("fast-import", "--quiet", "--force", stdin="".join(stream).encode())
        self.git("reset", "-q", "--hard", "main")
        self.git("push", "-q", "--force", "origin", "main")

    def _write(self, number: int, size: int) -> None:
        self.write(f"slots/s{number}.toml", self._text(number, size))

    def _text(self, number: int, size: int) -> str:
        more = f"port = {self.ports[number]}\n" if number < len(self.ports) else OFF
        return SLOT.format(more=more, size=size)


def looks(folder: Path, rounds: int) -> Iterator[Row]:
    """A look at a remote that has not changed, in turns with the bare command that answers the same."""
    remote = Pushed(folder, 10)
    ours: list[float] = []
    bare: list[float] = []
    with _opened(remote, folder) as git:
        for _ in range(rounds):
            ours.append(_took(git.tip))
            bare.append(_took(lambda: remote.git("ls-remote", remote.url, "refs/heads/main", at=folder)))
    yield Row("unchanged poll ÷ bare git ls-remote", "×", ratios(ours, bare), 2)
    yield Row("unchanged poll", "ms", ours)
    yield Row("bare git ls-remote", "ms", bare)


def taken(folder: Path, sizes: tuple[int, ...], rounds: int) -> Iterator[Row]:
    """One changed file of many, until its revision is exported and read."""
    times: dict[int, list[float]] = {}
    for count in sizes:
        here = folder / str(count)
        here.mkdir(parents=True)
        remote = Pushed(here, count)
        reader = ExportedReader(HostFs(), "bench")
        with _opened(remote, here) as git:
            _take(git, reader, git.tip())
            times[count] = [_take(git, reader, remote.change(count)[1]) for _ in range(rounds)]
        yield Row(f"one changed file of {count:,}: fetched, exported, read", "ms", times[count])


def _take(git: HostGit, reader: ExportedReader, commit: str) -> float:
    begun = time.perf_counter()
    git.fetch(commit)
    reader.point(git.export(commit), commit)
    assert reader.look(0).settled
    took = time.perf_counter() - begun
    git.prune(5, frozenset())
    return took * 1000


@contextlib.contextmanager
def _opened(remote: Remote, folder: Path) -> Iterator[HostGit]:
    git = HostGit(GitopsSettings(url=remote.url), str(folder / "state"))
    try:
        yield git
    finally:
        git.close()


def _took(work) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


# ── a whole operator ───────────────────────────────────────────────────────────────────────────


class Follower(Operator):
    """An operator that follows a repository and looks when it is called; ``number`` tells those apart that run at once."""

    def __init__(self, machine: Machine, count: int, running: int = 0, number: int = 0) -> None:
        super().__init__(machine)
        self.listen = f"127.0.0.1:{self.home.ports[-3 - number]}"
        shutil.rmtree(self.home.path)
        secret = self.folder / "secret"
        secret.write_text(SECRET)
        (self.folder / "git").mkdir()
        self.remote = Pushed(self.folder / "git", count, self.home.ports[:running])
        gitops = {"url": self.remote.url, "interval_s": SELDOM_S, "webhook_secret_file": str(secret)}
        self.configure(gitops=gitops, **PACE)

    @property
    def options(self) -> list[str]:
        return [word for word in super().options if not word.startswith("--home=")]

    def call(self) -> float:
        """The webhook, as a forge calls it after a push; the moment before."""
        body = b'{"push": %d}' % time.monotonic_ns()
        signed = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        begun = time.monotonic()
        connection = http.client.HTTPConnection(self.listen, timeout=MOST_S)
        with contextlib.closing(connection):
            connection.request("POST", "/hooks/git", body, {"X-Hub-Signature-256": f"sha256={signed}"})
            status = connection.getresponse().status
        assert status == 202, status
        return begun

    def until_applied(self, commit: str) -> float:
        """The moment in which the source says that nothing is left to do for this commit."""
        end = time.monotonic() + MOST_S
        with contextlib.closing(Connection(self.socket, MOST_S)) as connection:
            while time.monotonic() < end:
                connection.request("GET", "/api/source")
                if f'"applied":"{commit}"'.encode() in connection.getresponse().read().replace(b" ", b""):
                    return time.monotonic()
                pause(ASKED_S)
        raise AssertionError(f"{commit} was not applied:\n{self.said()}")


@contextlib.contextmanager
def following(machine: Machine, count: int, running: int = 0, commits: int = 0, number: int = 0) -> Iterator[Follower]:
    """Started, with the first revision applied."""
    operator = Follower(machine, count, running, number)
    try:
        operator.remote.age(commits)
        operator.start()
        operator.until_applied(operator.remote.git("rev-parse", "HEAD"))
        yield operator
    finally:
        operator.close()


def first_writes(machine: Machine, starts: Starts, count: int, rounds: int) -> Iterator[Row]:
    """From the webhook's call to the first request that changes something in Podman."""
    with following(machine, count, RUNNING) as operator, _recorded(operator) as recorder:
        times = []
        for _ in range(rounds):
            slot, _ = operator.remote.change(RUNNING)
            recorder.forget()
            wall = time.time_ns()
            begun = operator.call()
            times.append((recorder.first_write().at - begun) * 1000)
            starts.until(1, wall)
            operator.until_phase(slot, "Ready")
    note = f"{RUNNING} of them run, the file of one changes; file remote"
    yield Row(f"webhook → first Podman write, {count:,} slot files", "ms", times, 300, note)


@contextlib.contextmanager
def _recorded(operator: Follower) -> Iterator[Recorder]:
    """Start it again with a recorder between it and Podman."""
    recorder = Recorder(operator.machine.socket, operator.folder / "recorder.sock")
    try:
        operator.stop()
        operator.url = recorder.url
        operator.start()
        for number in range(RUNNING):
            operator.until_phase(f"s{number}", "Ready")
        yield recorder
    finally:
        recorder.close()


def applied(machine: Machine, sizes: tuple[int, ...], histories: tuple[int, ...], rounds: int) -> Iterator[Row]:
    """From the webhook's call until the source says that the revision is applied: by files, then by commits.

    All operators run at once and have their turn in each round, so that a ratio is one of the same moment.
    """
    kinds = [(count, 0) for count in sizes] + [(sizes[0], commits) for commits in histories]
    times: dict[tuple[int, int], list[float]] = {kind: [] for kind in kinds}
    with contextlib.ExitStack() as stack:
        operators = {
            (count, commits): stack.enter_context(following(machine, count, commits=commits, number=number))
            for number, (count, commits) in enumerate(kinds)
        }
        for _ in range(rounds):
            for kind, operator in operators.items():
                _, commit = operator.remote.change(kind[0])
                begun = operator.call()
                times[kind].append((operator.until_applied(commit) - begun) * 1000)
    for count in sizes:
        yield Row(f"webhook → applied, one changed file of {count:,}", "ms", times[count, 0])
    few, *_, many = sizes
    grown = ratios(times[many, 0], times[few, 0])
    yield Row(f"the same: {many:,} files ÷ {few:,}", "×", grown, None, f"{many // few} times the files")
    for commits in histories:
        yield Row(f"webhook → applied, {few} files, {commits:,} commits before", "ms", times[few, commits])
    young, *_, old = histories
    grown = ratios(times[few, old], times[few, young])
    yield Row(f"the same: {old:,} commits ÷ {young:,}", "×", grown, 1.2, "a tip alone is fetched")
