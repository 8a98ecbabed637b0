"""Performing an effect ends in an outcome, whatever happens."""

import errno
from typing import Any

import anyio
import pytest

from hal0_operator.host.clock import SystemClock
from hal0_operator.loop.effects import Hands
from hal0_operator.model import action as a
from hal0_operator.model.memory import Memory
from hal0_operator.model.settings import Settings


class Failing:
    """A Podman, whose list fails with what it is given."""

    def __init__(self, failure: Exception) -> None:
        self.failure = failure

    def containers(self) -> None:
        raise self.failure


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (RecursionError("deep"), "unknown_outcome"),
        (KeyError("x"), "unknown_outcome"),
        (OSError(errno.ENOSPC, "full"), "local"),
    ],
)
def test_a_call_that_fails_in_an_unforeseen_way_is_a_fault_and_no_crash(failure: Exception, kind: str) -> None:
    nothing: Any = None
    podman: Any = Failing(failure)

    def forget(memory: Memory) -> None:
        del memory

    async def perform() -> a.Outcome:
        return await Hands(podman, nothing, nothing, SystemClock(), Settings(), forget).perform(a.List(), [])

    outcome = anyio.run(perform)
    assert isinstance(outcome, a.Fault)
    assert outcome.kind == kind
