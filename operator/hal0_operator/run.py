"""The composition root: the only place that puts real parts into the seams."""

import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import anyio.abc
import anyio.from_thread
import anyio.to_thread

from hal0_operator.desired.profiles_file import parse_seeds
from hal0_operator.desired.settings import SETTINGS_LIMIT, decode_settings
from hal0_operator.desired.source import SourceFile
from hal0_operator.home.exported import ExportedReader
from hal0_operator.home.identity import identify, shown
from hal0_operator.home.lock import LockHeld, npu_turn, operator_lock, operator_lock_path
from hal0_operator.home.read import Reader
from hal0_operator.home.seeds import NotPackaged, shipped
from hal0_operator.home.watch import Watch
from hal0_operator.host import descriptors
from hal0_operator.host.clock import SystemClock, SystemRng
from hal0_operator.host.fs import HostFs
from hal0_operator.host.probe import HttpProber
from hal0_operator.host.procs import HostProcs
from hal0_operator.loop.drive import Drive
from hal0_operator.loop.effects import Hands
from hal0_operator.loop.event_log import EventLog
from hal0_operator.loop.home_watch import HomeWatch
from hal0_operator.loop.intake import Intake
from hal0_operator.loop.operator import RunningOperator
from hal0_operator.loop.own_fault import kept
from hal0_operator.loop.stamp import Stamp
from hal0_operator.loop.statuses import Statuses
from hal0_operator.loop.steering import Steering
from hal0_operator.loop.store import ForeignState, StateDir
from hal0_operator.loop.sync import Sync, Time
from hal0_operator.loop.traffic import Traffic
from hal0_operator.loop.triggers import Listener, resync
from hal0_operator.model.problem import Problem
from hal0_operator.model.profile import Profile
from hal0_operator.model.settings import GitopsSettings, Settings
from hal0_operator.model.world import Container
from hal0_operator.podman.client import Client
from hal0_operator.podman.service import PrivateService, Unavailable, connect
from hal0_operator.reconcile.desired import Wishes
from hal0_operator.reconcile.reconciler import Reconciler
from hal0_operator.seams.fs import FileLock
from hal0_operator.seams.git import Git
from hal0_operator.surfaces import CannotRun, app

SWITCH_INTERVAL_S = 0.0005
"""The interpreter's thread switch: a decision on the event loop must not wait 5 ms for a worker."""


class Place(NamedTuple):
    """Where everything is: absolute paths; ``podman_url`` may be ``""`` (found or started)."""

    home: str
    state_dir: str
    runtime_dir: str
    podman_url: str = ""


class BadSettings(Exception):
    """The settings file has problems, each with its place; ``data`` is its text."""

    def __init__(self, problems: tuple[Problem, ...], data: bytes) -> None:
        super().__init__(f"{len(problems)} problems in the settings")
        self.problems = problems
        self.data = data


def load_settings(path: str, *, named: bool) -> Settings:
    """The settings at ``path``; the defaults when there is no such file and nobody named one.

    Raises ``CannotRun`` and ``BadSettings``.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(SETTINGS_LIMIT + 1)
    except FileNotFoundError:
        if named:
            raise CannotRun(f"{path}: there is no such settings file") from None
        return Settings()
    except OSError as failed:
        raise CannotRun(f"{path}: {failed.strerror}") from failed
    if len(data) > SETTINGS_LIMIT:
        raise CannotRun(f"{path}: larger than {SETTINGS_LIMIT >> 20} MiB, not a settings file")
    settings, problems = decode_settings(SourceFile(path, data))
    if problems:
        raise BadSettings(problems, data)
    return settings


def load_seeds() -> Mapping[str, Profile]:
    """Raises ``CannotRun`` when the installation is incomplete."""
    try:
        return parse_seeds(shipped("seeds", "profiles.toml"))
    except NotPackaged as failed:
        raise CannotRun(str(failed)) from failed


def repository_of(gitops: GitopsSettings, state_dir: str, warn: Callable[[str], None]) -> Git:
    """The real repository, with its clone and its revisions below the state directory."""
    from hal0_operator.gitops.repository import HostGit  # noqa: PLC0415 - only where one is followed

    return HostGit(gitops, state_dir, warn=warn)


class Parts:
    """One operator, assembled and not yet running.  ``close`` what was opened.

    Raises ``CannotRun`` when Podman cannot be had, another operator holds the home, or the state
    is of another home.
    """

    def __init__(self, place: Place, settings: Settings, *, exclusive: bool = True) -> None:
        self.place, self.settings = place, settings
        self.clock, self.rng, self.fs, self.procs = SystemClock(), SystemRng(), HostFs(), HostProcs()
        self.id = identify(settings, place.home)
        self.lock: FileLock | None = self._lock() if exclusive else None
        self.podman, self.service = self._podman()
        self.state = StateDir(self.fs, place.state_dir, self.id, looks=not exclusive)
        self.log = EventLog(self.clock)
        try:
            last, memory = self.state.admitted(), self.state.memory()
            overrides = self.state.overrides()
        except ForeignState as failed:
            self.close()
            raise CannotRun(str(failed)) from failed
        self.reconciler = Reconciler(self.id, settings, memory, self.rng.jitter)
        self.reconciler.override(Wishes(overrides.suspended))
        self.hands = Hands(self.podman, self.procs, HttpProber(), self.clock, settings, self.state.write_memory)
        self.hands.sharing = self._sharing
        self.hands.npu_turn = partial(npu_turn, self.fs, place.runtime_dir, time.sleep)
        self.drive = Drive(self.reconciler, self.hands, self.clock)
        intake = Intake(load_seeds(), settings, last, whole=settings.gitops is not None)
        self.reader = reader = self._reader()
        self.home = HomeWatch(reader, intake, self.drive, self.log, self.state, self.clock, time.sleep)
        self.sync = self._sync(reader)
        self.statuses = Statuses(self.reconciler, self.home.source, self.clock, Stamp(self.clock))
        self.traffic = Traffic(self.drive, self.statuses, self.clock)
        self.operator = RunningOperator(self.drive, self.home, self.statuses, self.log, self.state, self.clock)
        self._connect()

    def close(self) -> None:
        self.podman.close()
        if self.service is not None:
            self.service.close()
        if self.lock is not None:
            self.lock.release()

    def _reader(self) -> Reader:
        gitops = self.settings.gitops
        return ExportedReader(self.fs, shown(gitops)) if gitops is not None else Reader(self.fs, self.place.home)

    def _sync(self, reader: Reader) -> Sync | None:
        if self.settings.gitops is None or not isinstance(reader, ExportedReader):
            return None
        git = repository_of(self.settings.gitops, self.place.state_dir, self._without_effect)
        time = Time(self.clock, self.rng)
        return Sync(git, self.settings.gitops, reader, self.home, self.state, self.log, time)

    def _without_effect(self, what: str) -> None:
        """The repository tells from a worker thread what of a revision is left out."""
        anyio.from_thread.run_sync(self.log.add, "Warning", "SourceWarned", "", what)

    async def begin(self) -> None:
        """For whoever does not run for long: what lies here of a repository.  Raises ``CannotRun``: nothing does."""
        if self.sync is not None and not await self.sync.begin():
            raise CannotRun(f"no revision of {self.home.source.path} is here yet: hal0ctl run fetches it")

    def _lock(self) -> FileLock:
        path = operator_lock_path(self.place.runtime_dir, self.id)
        try:
            return operator_lock(self.fs, path, self.place.home, os.getpid())
        except LockHeld as held:
            raise CannotRun(str(held)) from held
        except OSError as failed:
            raise CannotRun(f"{path}: {failed.strerror}; the operator's lock stands there") from failed

    def _podman(self) -> tuple[Client, PrivateService | None]:
        try:
            return connect(self.place.podman_url or None, Path(self.place.state_dir), os.environ)
        except Unavailable as failed:
            if self.lock is not None:
                self.lock.release()
            raise CannotRun(str(failed)) from failed

    def _sharing(self, port: int) -> tuple[Container, ...]:
        return tuple(c for c in self.reconciler.world.containers.values() if port in c.ports or c.takes_npu)

    def _connect(self) -> None:
        """Who tells whom."""
        self.drive.changed = self.statuses.stale
        self.drive.news = lambda n: self.log.add(
            n.type, n.reason, n.slot, n.message, self.reconciler.aims.desired.generations.get(n.slot, "")
        )
        self.hands.progress = self._progress
        self.home.approved = lambda: self.operator.overrides.prune_approved
        self.home.changed = self._home_changed
        if self.sync is not None:
            self.sync.overrides = lambda: self.operator.overrides
            asked = self.sync.overrides
            self.operator.remote = Steering(self.sync, asked, self.operator.override, self.log, self.clock)

    def _progress(self, image: str, text: str) -> None:
        state = self.reconciler.pulls.states.get(image)
        if state is not None:
            state.progress = text

    def _home_changed(self) -> None:
        self.statuses.stale(None)
        if self.home.source.read:
            self.traffic.look()
            self.operator.forget_overrides()


def keep(tasks: anyio.abc.TaskGroup, parts: Parts, what: str, task: Callable[[], Awaitable[None]]) -> None:
    """Start a task that never ends, and that takes nothing else down."""
    tasks.start_soon(kept, what, task, lambda text: parts.log.add("Warning", "OwnFault", "", text))


async def converge(parts: Parts, done: Callable[[], Awaitable[None]]) -> None:
    """Run the loop without surfaces until ``done`` returns; then end the calls in flight."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    await parts.begin()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(parts.drive.run)
        keep(tasks, parts, "reading the home", parts.home.run)
        tasks.start_soon(resync, parts.drive, parts.rng, parts.settings.loop.resync_s, lambda: None)
        try:
            await done()
        finally:
            parts.drive.stop()
            await parts.drive.ended()
            tasks.cancel_scope.cancel()
    parts.procs.close()


async def serve(parts: Parts, listen: str, watching: Callable[[RunningOperator], Coroutine[Any, Any, None]]) -> None:
    """Run the operator with its surfaces until SIGTERM or SIGINT.  Raises ``web.serve.CannotListen``.

    ``watching`` is a view of it that runs beside (the live table).
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    descriptors.allow_many()
    shutdown = anyio.Event()
    watch = Watch(parts.fs, parts.place.home, parts.home.hint, lambda text: _watch_told(parts, text))
    every_s = parts.settings.loop.resync_s

    def before_resync() -> None:
        if parts.sync is None:
            watch.rearm()
        parts.home.hint()

    async with anyio.create_task_group() as tasks:
        keep(tasks, parts, "reading the home", parts.home.run)
        if parts.sync is None:
            keep(tasks, parts, "watching the home", watch.run)
        else:
            keep(tasks, parts, "following the repository", parts.sync.run)
        keep(tasks, parts, "Podman's events", Listener(parts.podman, parts.drive).run)
        keep(tasks, parts, "the timer", partial(resync, parts.drive, parts.rng, every_s, before_resync))
        keep(tasks, parts, "loading on demand", parts.traffic.run)
        keep(tasks, parts, "the view", partial(watching, parts.operator))
        tasks.start_soon(_end_on_signal, shutdown, parts.drive)
        async with anyio.create_task_group() as ending:  # after the signal each comes to its end by itself
            ending.start_soon(_surfaces, parts, listen, shutdown)
            await parts.drive.run()
        tasks.cancel_scope.cancel()
    parts.procs.close()


async def _surfaces(parts: Parts, listen: str, shutdown: anyio.Event) -> None:
    """The libraries of the surfaces load beside the first look at Podman."""
    place = parts.place
    served = partial(app, parts.operator, parts.traffic, parts.settings, parts.fs, place.state_dir)
    answers, serve_web = await anyio.to_thread.run_sync(served)
    await serve_web(answers, listen, f"{place.state_dir}/operator.sock", shutdown)


def _watch_told(parts: Parts, text: str) -> None:
    before, parts.home.source.watch_problem = parts.home.source.watch_problem, text
    if text and text != before:
        parts.log.add("Warning", "WatchFailed", "", text)


async def _end_on_signal(shutdown: anyio.Event, drive: Drive) -> None:
    """No new action, two seconds for the calls in flight; every container keeps running."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            shutdown.set()
            drive.stop()
