"""Faults of the operator's own: said aloud, and kept to the one thing that they struck."""

import traceback
from collections.abc import Awaitable, Callable

import anyio

FIRST_AGAIN_S = 1.0
LONGEST_AGAIN_S = 60.0


def told(what: str, fault: BaseException) -> str:
    """One line with the place in the code, for whoever reports it."""
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    frames = traceback.extract_tb(fault.__traceback__)
    where = f" at {frames[-1].name}:{frames[-1].lineno}" if frames else ""
    return f"{what}: {type(fault).__name__}{where}: {fault}; this is a fault of the operator itself, please report it"


async def kept(what: str, task: Callable[[], Awaitable[None]], tell: Callable[[str], None]) -> None:
    """Run ``task`` anew after every fault of its own, ever more seldom: it takes nothing else down."""
    pause = FIRST_AGAIN_S
    while True:
        try:
            await task()
        except Exception as fault:  # noqa: BLE001 - whatever it is, the other tasks go on
            tell(told(what, fault))
        else:
            return
        await anyio.sleep(pause)
        pause = min(pause * 2, LONGEST_AGAIN_S)
