"""What the operator does in worker threads, in simulated time: when it takes effect, and when that is known."""

import functools
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hal0_operator.loop.sync_state import OF_THE_REVISION
from hal0_operator.seams.git import GitFault
from tests.sim.simulator import Crash

if TYPE_CHECKING:
    from tests.sim.follower import Follower

DURATIONS_S = {"tip": 0.03, "fetch": 0.3, "export": 0.08, "present": 0.02, "accept": 0.002}
SHORT_S = 0.003
TRANSPORT = ("tip", "fetch")
VERBS = (*TRANSPORT, "export")


class Away:
    """Of one operator in all of its lives.  ``under_way`` counts the calls that its present life waits for.

    ``durations`` are seconds by the name of the call, ``fault`` is the kind of the last one of git that failed,
    ``refused`` the commit that could last not be had for a fault of its own.
    """

    def __init__(self, sim: "Follower", crash: Crash | None = None) -> None:
        self.sim = sim
        self.crash_plan = crash
        self.durations = dict(DURATIONS_S)
        self.calls = 0
        self.kinds: Counter[str] = Counter()
        self.under_way = 0
        self.fault = self.refused = ""
        self.doomed = False

    async def run_sync(self, call: Callable[..., Any], *args: Any, abandon_on_cancel: bool = False) -> Any:
        """In the place of ``anyio.to_thread.run_sync``."""
        del abandon_on_cancel
        answer = self.sim.loop.create_future()
        self._send(call, args, answer)
        return await answer

    def _send(self, call: Callable[..., Any], args: tuple[Any, ...], answer: Any) -> None:
        sim, name = self.sim, named(call)
        self.calls += 1
        self.kinds[name] += 1
        self.under_way += 1
        planned = self.crash_plan is not None and self.calls == self.crash_plan.at
        if planned and self.crash_plan.before:
            self.doomed = True
            return
        slow = sim.rng.random() < sim.git.rate / 3
        whole = self.durations.get(name, SHORT_S) * (sim.rng.uniform(5, 60) if slow else sim.rng.uniform(0.5, 1.5))
        limit = sim.settings.gitops.timeout_s
        if name in TRANSPORT and whole > limit:
            whole, call, args = limit, _given_up, (limit,)
        sim.at(whole * 0.7, lambda: self._take(name, functools.partial(call, *args), whole * 0.3, planned, answer))

    def _take(self, name: str, call: "functools.partial[Any]", rest: float, planned: bool, answer: Any) -> None:
        result, fault = None, None
        try:
            result = call()
        except (GitFault, OSError) as failed:
            fault = failed
        if name in VERBS or isinstance(fault, GitFault):
            self.fault = fault.kind if isinstance(fault, GitFault) else ""
        if name in ("fetch", "export"):
            self._judge(name, call.args[0])
        if name in VERBS or fault is not None:
            self.sim.journal.append(f"{self.sim.time:.3f} git {name}: {fault or result}")
        if planned:
            self.doomed = True
            return

        def answered() -> None:
            self.under_way -= 1
            if not answer.done():
                answer.set_result(result) if fault is None else answer.set_exception(fault)

        self.sim.at(rest, answered)

    def _judge(self, name: str, commit: str) -> None:
        """Whether a revision is refused, after a call for it."""
        if self.fault in OF_THE_REVISION:
            self.refused = commit
        elif name == "export" and not self.fault and commit == self.refused:
            self.refused = ""


def named(call: Callable[..., Any]) -> str:
    while isinstance(call, functools.partial):
        call = call.func
    return call.__name__


def _given_up(limit: float) -> None:
    raise GitFault("timeout", f"no answer within {limit:g} s")
