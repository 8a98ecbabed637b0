"""How long a slot waits: between restarts, and for something outside."""

from hal0_operator.model.memory import LastExit

FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 300.0
JITTER = 0.2
RESET_AFTER_READY_S = 600.0
FIRST_LOOK_S = 1.0
LONGEST_LOOK_S = 10.0
FIRST_RETRY_S = 0.1
"""After a call that failed for something outside: a port just given up is free within moments."""


def restart_delay(exits: int) -> float:
    """Seconds before the restart after ``exits`` in a row: none after the first, then doubling."""
    if exits <= 1:
        return 0.0
    return min(FIRST_BACKOFF_S * 2.0 ** min(exits - 2, 16), LONGEST_BACKOFF_S)


def outside_delay(previous: float) -> float:
    """Seconds until a slot that waits for something outside looks again; no restart, no backoff."""
    return FIRST_LOOK_S if previous <= 0 else min(previous * 2, LONGEST_LOOK_S)


def retry_delay(previous: float) -> float:
    """The same for a call that failed: sooner at first."""
    return FIRST_RETRY_S if previous <= 0 else min(previous * 2, LONGEST_LOOK_S)


def failures(exits: int, last: LastExit | None) -> str:
    """Exits and failed starts in a row, and the decisive line of the last one."""
    return f"failed {exits} times in a row" + (f"; last: {last.told}" if last is not None else "")
