"""Watching a home: every change is a hint to look again.  Nothing relies on a hint."""

from collections.abc import AsyncIterator, Callable
from collections.abc import Set as AbstractSet

import anyio
import anyio.from_thread
import anyio.to_thread

from hal0_operator.desired.names import OVERLAY_FILE, PROFILES_FILE, SLOTS_FOLDER, is_slot_file
from hal0_operator.home.scan import folders
from hal0_operator.seams.fs import Fs

STEP_MS = 10
"""The library's own pace: a change is told after 18 ms, for a quarter per cent of a core."""
GROUP_MS = 50
"""The longest time that a stream of changes is grouped before it is told."""
POLLING = "changes are seen by the timer only"


class _Armed:
    """Ends one watch, and tells when it has begun: the library asks it from its thread at every step."""

    def __init__(self, begun: Callable[[], None]) -> None:
        self._begun: Callable[[], None] | None = begun
        self._ended = False

    def is_set(self) -> bool:
        begun, self._begun = self._begun, None
        if begun is not None and not self._ended:
            anyio.from_thread.run_sync(begun)
        return self._ended

    def set(self) -> None:
        self._ended = True


class Watch:
    """Run ``run`` as a task, and call ``rearm`` at every timer turn.

    ``hint`` is called on the event loop after each change, and once whenever a watch begins, since
    whatever came before it was seen by nobody.  ``report`` gets a warning when watching fails, and
    ``""`` when it works again.
    """

    def __init__(self, fs: Fs, home: str, hint: Callable[[], None], report: Callable[[str], None]) -> None:
        self._fs = fs
        self._home = home.rstrip("/") or "/"
        self._hint = hint
        self._report = report
        self._watched: tuple[tuple[str, tuple[int, int] | None], ...] = ()
        self._armed: _Armed | None = None
        self._again = anyio.Event()

    def rearm_needed(self) -> bool:
        """Whether a watched folder is another one by now (replaced, recreated, a flipped link)."""
        return self._armed is None or folders(self._fs, self._home) != self._watched

    def rearm(self, *, replaced: bool = False) -> None:
        """Watch anew when that is needed; an atomic change leaves a watch deaf.

        ``replaced``: a watched folder itself came or went.  One that is made anew may well get the
        inode that the removed one gave back, and is told from it by nothing else.
        """
        if replaced or self.rearm_needed():
            if self._armed is not None:
                self._armed.set()
            self._again.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            self._again = anyio.Event()
            self._armed = None
            self._watched = folders(self._fs, self._home)
            paths = [path for path, identity in self._watched if identity is not None]
            if paths:
                await self._watch(paths)
            else:
                self._report(f"the home {self._home} is not there; {POLLING}")
            await self._again.wait()

    async def _watch(self, paths: list[str]) -> None:
        """One watch, until it fails or is to be armed anew."""
        armed = self._armed = _Armed(self._begun)
        async with anyio.create_task_group() as tasks:
            # The library's thread shields it from being cancelled, for seconds, so this task ends it.
            tasks.start_soon(_set_when_cancelled, armed)
            try:
                await self._tell(paths, armed)
            except (OSError, RuntimeError) as error:
                self._armed = None
                self._report(f"the home {self._home} cannot be watched ({_why(error)}); {POLLING}")
            tasks.cancel_scope.cancel()

    async def _tell(self, paths: list[str], armed: _Armed) -> None:
        changes = (await anyio.to_thread.run_sync(_library))(
            *paths,
            watch_filter=self._counts,
            step=STEP_MS,
            debounce=GROUP_MS,
            stop_event=armed,
            recursive=False,
            force_polling=False,
            ignore_permission_denied=False,
        )
        async for told in changes:
            self._hint()
            self.rearm(replaced=any(path in paths for _, path in told))

    def _begun(self) -> None:
        """Whatever came, and whichever folder was replaced, while the watch was being armed was told to nobody."""
        self._report("")
        self._hint()
        self.rearm()

    def _counts(self, change: object, path: str) -> bool:  # noqa: ARG002 - every kind of change counts
        """Only what a home is made of; never what lies in ``.git`` beside it."""
        if path in (self._home, f"{self._home}/{SLOTS_FOLDER}"):
            return True
        folder, _, name = path.rpartition("/")
        if folder == self._home:
            return name in (PROFILES_FILE, OVERLAY_FILE)
        return folder == f"{self._home}/{SLOTS_FOLDER}" and is_slot_file(name)


def _why(error: Exception) -> str:
    """The library passes on what the kernel says of a limit, which is not what is meant."""
    text = str(error)
    if "os error 24" in text:
        return "no inotify instance is left: raise fs.inotify.max_user_instances"
    if "os error 28" in text or "watch limit" in text:
        return "no inotify watch is left: raise fs.inotify.max_user_watches"
    return text


def _library() -> Callable[..., AsyncIterator[AbstractSet[tuple[object, str]]]]:
    """Loaded by a thread, beside the first look at Podman: it takes 30 ms."""
    from watchfiles import awatch  # noqa: PLC0415

    return awatch


async def _set_when_cancelled(armed: _Armed) -> None:
    try:
        await anyio.sleep_forever()
    finally:
        armed.set()
