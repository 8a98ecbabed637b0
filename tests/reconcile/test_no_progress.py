"""A server that calls itself healthy is believed as long as it answers."""

import msgspec
import pytest

from hal0_operator.model import action as a
from hal0_operator.model.probe import ProbeResult
from hal0_operator.reconcile.runs import BUSY_TO_RESTART_S, SILENCE_TO_RESTART_S
from tests.reconcile.turns import Turns
from tests.sim.home import Home, slot
from tests.sim.simulator import SETTINGS


def served(**loop: bool) -> Turns:
    """A slot that is Ready."""
    settings = msgspec.structs.replace(SETTINGS, loop=msgspec.structs.replace(SETTINGS.loop, **loop))
    turns = Turns(Home({"chat": slot(8101)}), settings=settings)
    turns.run(5)
    assert turns.core.is_ready("chat")
    return turns


def container(turns: Turns) -> str:
    return turns.core.world.own("chat")[0].id


def unanswered(turns: Turns, times: int) -> None:
    for _ in range(times):
        turns.core.unanswered("chat", container(turns), turns.now)
        turns.run(1)


def test_three_requests_without_an_answer_are_told_and_one_answer_ends_it() -> None:
    turns = served()
    unanswered(turns, 2)
    run = turns.core.state("chat").run
    assert run is not None
    assert not run.stuck
    unanswered(turns, 1)
    assert run.stuck
    assert [news.reason for news in turns.core.notes.news].count("NoProgress") == 1
    turns.core.answered("chat", container(turns), turns.now)
    assert not run.stuck
    assert turns.count(a.Remove) == 0, "nobody allowed a restart"


def test_where_it_is_allowed_the_container_is_replaced_once() -> None:
    turns = served(restart_on_no_progress=True)
    before = container(turns)
    unanswered(turns, 3)
    turns.run(30)
    assert turns.core.is_ready("chat")
    assert container(turns) != before
    assert turns.count(a.Remove) == 1


def test_what_ended_at_another_container_tells_nothing_of_this_one() -> None:
    turns = served(restart_on_no_progress=True)
    for _ in range(5):
        turns.core.unanswered("chat", "another", turns.now)
    turns.run(30)
    assert turns.count(a.Remove) == 0


@pytest.mark.parametrize(("busy", "limit"), [(False, SILENCE_TO_RESTART_S), (True, BUSY_TO_RESTART_S)])
def test_busy_is_not_dead(busy: bool, limit: float) -> None:
    turns = served()
    if busy:
        turns.core.traffic("chat", container(turns), 1)
    silent = a.Probed(ProbeResult("timeout"))
    turns.answer = lambda effect: silent if isinstance(effect, a.Probe) else None
    turns.run(SETTINGS.probe.ready_s + limit - 10)
    assert turns.count(a.Remove) == 0
    turns.run(30 + SETTINGS.loop.drain_s)
    assert turns.count(a.Remove) == 1


def test_a_byte_of_an_answer_is_a_sign_of_life() -> None:
    turns = served()
    silent = a.Probed(ProbeResult("timeout"))
    turns.answer = lambda effect: silent if isinstance(effect, a.Probe) else None
    for _ in range(20):
        turns.run(SILENCE_TO_RESTART_S / 4)
        turns.core.answered("chat", container(turns), turns.now)
    assert turns.count(a.Remove) == 0
