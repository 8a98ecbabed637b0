"""Starts, deaths and probes of a slot's container, folded into its state."""

from collections.abc import Callable

from hal0_operator.model.probe import ProbeResult
from hal0_operator.model.settings import ProbeSettings
from hal0_operator.reconcile.pace import JITTER, RESET_AFTER_READY_S, restart_delay
from hal0_operator.reconcile.state import NEVER, UNANSWERED_TO_TELL, Run, SlotState

FIRST_PROBE_SHARE = 0.4
"""Of the first interval: a small model is Ready within 150 ms of its start."""
SLOWEST_START_PROBE_S = 1.0
AFTER_REFUSAL_S = (0.25, 0.5)
REFUSALS_TO_RESTART = 3
SILENCE_TO_RESTART_S = 120.0
BUSY_TO_RESTART_S = 1800.0
"""While a request is in flight: a long prompt may leave no time for a health page."""
LOOK_INSIDE_AFTER = 3
"""Probes in a row that met no server while starting, before the container's own address is asked too."""
UNMET = ("refused", "timeout")


def begin(state: SlotState, id: str, tick: int, now: float, probe: ProbeSettings, *, adopted: bool) -> Run:
    """A start of ours, or a running container seen for the first time (probed at once)."""
    first = now if adopted else now + probe.start_s * FIRST_PROBE_SHARE
    run = state.run = Run(id, now, tick, first, probe.start_s)
    state.heal_tries = 0
    state.outside = None
    return run


def died(state: SlotState, digest: str, now: float, jitter: Callable[[float], float]) -> bool:
    """Count one death of the current run; False when it was counted before."""
    run = state.run
    if run is None or run.dead_at is not None:
        return False
    run.dead_at = now
    failed(state, digest, now, jitter, unready=not run.ready)
    run.ready = False
    return True


def failed(state: SlotState, digest: str, now: float, jitter: Callable[[float], float], *, unready: bool) -> None:
    """One more exit, or start that did not work, in a row; paces the next one."""
    run = state.run
    long_ready = run is not None and run.ready and now - run.ready_at >= RESET_AFTER_READY_S
    if state.exits_digest != digest or long_ready:
        renew(state, digest)
    state.exits += 1
    state.restarts += 1
    state.exits_unready += unready
    delay = restart_delay(state.exits)
    state.next_start = now + delay * jitter(JITTER) if delay else now


def renew(state: SlotState, digest: str) -> None:
    """Another digest: its failures are its own."""
    state.exits_digest = digest
    state.exits = 0
    state.exits_unready = 0
    state.next_start = NEVER
    state.outside = None


def probed(state: SlotState, result: ProbeResult, now: float, settings: ProbeSettings, *, busy: bool = False) -> str:
    """Fold one probe; answers why the container must be replaced, or ``""``.  ``busy``: requests are in flight."""
    run = state.run
    if run is None or run.dead_at is not None:
        return ""
    run.verdict, run.detail = result.verdict, result.detail
    run.unmet = run.unmet + 1 if result.verdict in UNMET else 0
    if result.verdict == "passed":
        _passed(state, run, result, now, settings)
        return ""
    # A server that is busy may be silent here and answer there, once or twice.
    run.path_broken = result.inside is True and (result.verdict != "timeout" or run.unmet >= LOOK_INSIDE_AFTER)
    if not run.ready:
        run.interval = min(run.interval * 1.3, SLOWEST_START_PROBE_S)
        run.next_probe = now + run.interval
        return ""
    return _failing(run, result, now, busy=busy)


def _passed(state: SlotState, run: Run, result: ProbeResult, now: float, settings: ProbeSettings) -> None:
    run.failed_roles = result.failed_roles
    run.called_once = True
    run.path_broken = False
    run.refused = 0
    run.silent_since = None
    run.next_probe = now + settings.ready_s
    if not run.ready:
        run.ready, run.ready_at = True, now
        state.exits_unready = 0
        state.time_to_ready = now - (state.begun_at if state.begun_at > NEVER else run.since)
        state.begun_at = NEVER


def _failing(run: Run, result: ProbeResult, now: float, *, busy: bool) -> str:
    """After Ready: refusals are asked again at once; silence counts only when it lasts."""
    if run.silent_since is None:
        run.silent_since = now
    run.next_probe = now + SLOWEST_START_PROBE_S
    if run.path_broken:
        return ""
    if result.verdict == "refused":
        run.refused += 1
        if run.refused >= REFUSALS_TO_RESTART:
            return f"refused {REFUSALS_TO_RESTART} probes in a row"
        run.next_probe = now + AFTER_REFUSAL_S[run.refused - 1]
    elif result.verdict == "timeout":
        limit = BUSY_TO_RESTART_S if busy else SILENCE_TO_RESTART_S
        if now - max(run.silent_since, run.heard_at) >= limit:
            return f"no answer for {limit:.0f} s"
    return ""


def heard(state: SlotState, container: str, now: float) -> bool:
    """A byte of an answer came; whether that is news."""
    run = state.run
    if run is None or run.id != container:
        return False
    was_stuck, run.unanswered, run.heard_at = run.stuck, 0, now
    return was_stuck


def unheard(state: SlotState, container: str) -> bool:
    """A request had its time and no answer; whether the server counts as stuck since just now."""
    run = state.run
    if run is None or run.id != container or not run.ready:
        return False
    run.unanswered += 1
    return run.unanswered == UNANSWERED_TO_TELL
