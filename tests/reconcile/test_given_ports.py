"""A slot whose file names no port is given one, and keeps it until a file names that very port."""

from tests.reconcile.turns import Turns
from tests.sim.home import Home, slot


def ports(turns: Turns) -> dict[str, int]:
    return {c.slot: port for c in turns.containers.values() for port in c.ports}


def test_a_file_that_names_a_given_port_gets_it():
    turns = Turns(Home({"chat": slot()}))
    turns.run(5)
    assert ports(turns) == {"chat": 8081}
    turns.home.slot("code", slot(8081))
    turns.edit()
    turns.run(5)
    assert ports(turns) == {"chat": 8082, "code": 8081}
    assert turns.core.is_ready("chat")
    assert turns.core.is_ready("code")
    turns.home.slot("code", None)
    turns.edit()
    turns.run(5)
    assert ports(turns) == {"chat": 8082}, "it keeps what it was given last"


def test_a_file_that_names_the_port_that_its_own_slot_was_given_moves_nothing():
    turns = Turns(Home({"chat": slot()}))
    turns.run(5)
    id = next(iter(turns.containers))
    turns.home.slot("chat", slot(8081))
    turns.edit()
    turns.run(5)
    assert turns.containers.keys() == {id}
    assert turns.core.is_ready("chat")
