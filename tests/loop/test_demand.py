"""Demand: a slot is asked for while a request is in flight, and for its time after the last one."""

from hypothesis import given
from hypothesis import strategies as st

from hal0_operator.loop.demand import Asked, Demand

SLOTS = {"chat": Asked(60), "code": Asked(0), "util": Asked(10, running=True)}


def seen(now: float = 100.0) -> Demand:
    demand = Demand()
    demand.idle(now, SLOTS)
    return demand


def test_at_first_a_container_that_runs_counts_as_used_now_and_an_absent_one_as_not_wanted() -> None:
    demand = Demand()
    assert demand.idle(100, SLOTS) == {"chat", "code"}
    assert demand.next_change(100) == 110
    assert demand.idle(109.9, SLOTS) == {"chat", "code"}
    assert demand.idle(110, SLOTS) == {"chat", "code", "util"}
    assert demand.next_change(110) is None


def test_a_request_in_flight_keeps_its_slot_however_long_it_takes() -> None:
    demand = seen()
    demand.began("chat", 101)
    assert demand.idle(9000, SLOTS) == {"code", "util"}
    assert demand.next_change(9000) is None


def test_the_time_counts_from_the_end_of_the_last_of_several_requests() -> None:
    demand = seen()
    demand.began("chat", 101)
    demand.began("chat", 102)
    demand.ended("chat", 150)
    assert "chat" not in demand.idle(300, SLOTS)
    demand.ended("chat", 400)
    assert demand.next_change(400) == 460
    assert "chat" not in demand.idle(459, SLOTS)
    assert "chat" in demand.idle(460, SLOTS)


def test_without_an_idle_time_a_slot_stays_for_good_once_it_was_used() -> None:
    demand = seen()
    demand.began("code", 101)
    demand.ended("code", 102)
    assert "code" not in demand.idle(1e9, SLOTS)
    assert demand.next_change(1e6) is None


def test_a_slot_that_becomes_one_on_demand_while_it_runs_counts_as_used_then() -> None:
    demand = Demand()
    assert demand.idle(100, {}) == frozenset()
    assert demand.idle(500, {"chat": Asked(60, running=True)}) == frozenset()
    assert demand.next_change(500) == 560


def test_a_slot_that_becomes_one_on_demand_while_it_answers_is_asked_for() -> None:
    demand = Demand()
    demand.began("chat", 100)
    assert demand.idle(500, {"chat": Asked(60)}) == frozenset()
    demand.ended("chat", 600)
    assert demand.next_change(600) == 660


def test_a_slot_that_was_not_on_demand_for_a_while_is_seen_anew() -> None:
    demand = seen()
    demand.began("chat", 101)
    demand.ended("chat", 102)
    assert "chat" not in demand.idle(103, SLOTS)
    assert demand.idle(104, {}) == frozenset()
    assert "chat" in demand.idle(105, SLOTS)


def test_another_idle_time_counts_from_the_same_last_use() -> None:
    demand = seen()
    demand.began("chat", 101)
    demand.ended("chat", 110)
    shorter = {**SLOTS, "chat": Asked(5)}
    assert "chat" in demand.idle(116, shorter)
    assert "chat" not in demand.idle(116, SLOTS)


def test_what_ended_leaves_nothing_behind() -> None:
    demand = Demand()
    demand.began("chat", 1)
    demand.ended("chat", 2)
    assert demand.idle(3, {}) == frozenset()
    assert (demand._in_flight, demand._used) == ({}, {})


STEPS = st.lists(st.tuples(st.sampled_from(["began", "ended", "wait"]), st.sampled_from(sorted(SLOTS))), max_size=40)


@given(STEPS)
def test_nothing_becomes_idle_before_the_next_change_and_something_does_then(steps: list[tuple[str, str]]) -> None:
    demand, now, flying = seen(), 100.0, dict.fromkeys(SLOTS, 0)
    for step, name in steps:
        now += 1
        if step == "began":
            demand.began(name, now)
            flying[name] += 1
        elif step == "ended" and flying[name]:
            demand.ended(name, now)
            flying[name] -= 1
        idle, change = demand.idle(now, SLOTS), demand.next_change(now)
        assert not any(flying[busy] for busy in idle)
        if step == "wait" and change is not None:
            assert demand.idle(change - 0.001, SLOTS) == idle
            now = change
            assert demand.idle(now, SLOTS) > idle
