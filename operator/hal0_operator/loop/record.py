"""What is remembered of a repository, written down at every change, and again until that works."""

import anyio.to_thread

from hal0_operator.loop.event_log import EventLog
from hal0_operator.loop.store import StateDir
from hal0_operator.loop.sync_state import SourceMemory


class Record:
    """``memory`` is what counts now, written or not."""

    def __init__(self, state: StateDir, log: EventLog) -> None:
        self._state = state
        self._log = log
        self._unwritten = False
        self.memory = state.source()

    async def write(self, memory: SourceMemory) -> None:
        self.memory = memory
        try:
            await anyio.to_thread.run_sync(self._state.write_source, memory)
            self._unwritten = False
        except OSError as failed:
            self._unwritten = True
            problem = f"{failed.filename}: {failed.strerror}; after a restart another revision may count"
            self._log.add("Warning", "StateUnwritable", "", problem)

    async def attempt(self, commit: str, at: str) -> None:
        """It is taken up: a life that follows begins with it.

        Also what stands already is, where the remote named another commit meanwhile that never came.
        """
        if self.memory.attempted != commit:
            await self.write(self.memory.with_attempt(commit, at))

    async def write_again(self) -> None:
        """What could not be written before."""
        if self._unwritten:
            await self.write(self.memory)
