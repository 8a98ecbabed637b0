"""Coroutines of the operator in simulated time: an asyncio loop whose every timer is an event of the timeline."""

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import anyio.to_thread

from tests.sim.timeline import Timeline


class SimLoop(asyncio.AbstractEventLoop):
    """Of one life of an operator.  ``pump`` is called whenever a timer is due; ``away`` stands in for worker threads.

    What a task raises is raised by the ``drain`` in which it did.
    """

    def __init__(self, timeline: Timeline, pump: Callable[[], None], away: Callable[..., Any]) -> None:
        self._timeline, self._pump, self._away = timeline, pump, away
        self._ready: deque[asyncio.Handle] = deque()
        self._tasks: list[asyncio.Task[None]] = []
        self._fault: BaseException | None = None
        self._draining = False

    # ── what the simulator does ────────────────────────────────────────────────────────────────

    def begin(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self.create_task(coroutine)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def drain(self) -> None:
        """Let every task go on until it waits for time or for an answer."""
        if self._draining or not self._ready:
            return
        self._draining = True
        threads = anyio.to_thread.run_sync
        anyio.to_thread.run_sync = self._away
        asyncio._set_running_loop(self)
        try:
            while self._ready:
                handle = self._ready.popleft()
                if not handle.cancelled():
                    handle._run()
        finally:
            asyncio._set_running_loop(None)
            anyio.to_thread.run_sync = threads
            self._draining = False
        if self._fault is not None:
            raise self._fault

    def kill(self) -> None:
        """No task gets further; what they clean up concerns nobody any more."""
        for task in self._tasks:
            task.cancel()
        self._fault = None
        self.drain()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and self._fault is None:
            self._fault = task.exception()

    # ── what asyncio asks of a loop ────────────────────────────────────────────────────────────

    def time(self) -> float:
        return self._timeline.time

    def call_soon(
        self, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)

        def due() -> None:
            if not handle.cancelled():
                self._ready.append(handle)
                self._pump()

        self._timeline.at(max(when - self.time(), 0), due)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(self, coroutine: Coroutine[Any, Any, Any], **named: Any) -> "asyncio.Task[Any]":
        return asyncio.Task(coroutine, loop=self, **named)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return self._draining

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self._fault = context.get("exception") or AssertionError(context["message"])

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """The timeline passes over it."""
