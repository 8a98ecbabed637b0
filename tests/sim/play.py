"""A seed played through: trouble on everything, then calm, then an hour of quiet."""

import random

import msgspec

from hal0_operator.routing.route import Route
from tests.sim.admission import Admissions
from tests.sim.coverage import Coverage
from tests.sim.edits import Edits
from tests.sim.faults import Faults
from tests.sim.follower import FOLLOWED, Follower
from tests.sim.home import Home, wants
from tests.sim.invariants import Invariants, converged
from tests.sim.pushes import Pushes
from tests.sim.revisions import Revisions
from tests.sim.routing import Routing
from tests.sim.simulator import Simulator
from tests.sim.statuses import StatusRules

STEPS = 14
WAITS_S = (0.05, 0.3, 1, 3, 20)
CALM_S = 700.0
"""Longer than the longest pace after a bad time: five minutes, and the tries before it."""
QUIET_S = 3600.0
TIMER_TURN_S = 33.0
WAKES_S = 35.0
"""A timer's turn: every hint may be lost."""


class Failed(AssertionError):
    """A seed found something; the message begins with the seed."""


def play(seed: int, *, hints: bool = True, coverage: Coverage | None = None, git: bool = False) -> Simulator:
    """Of a folder, or with ``git`` of a repository.  Raises ``Failed``; answers the simulator in its quiet state."""
    rng = random.Random(seed)
    wanted = wants(rng)
    home = Home({name: want.text for name, want in wanted.items()})
    faults = Faults(rng.choice((0.0, 0.1, 0.3)), hints)
    covered = coverage or Coverage()
    where = f"SEED={seed}{' of a repository' if git else ''}{'' if hints else ' without hints'}"
    sim = Simulator(home, seed, faults) if not git else followed(home, seed, faults, rng)
    sim.podman.modern = rng.random() < 0.5
    trouble = Pushes(sim, wanted) if isinstance(sim, Follower) else Edits(sim, wanted)
    try:
        Invariants(sim, Revisions if git else Admissions)
        statuses = StatusRules(sim) if seed % 3 == 0 else None
        sim.requests.come()
        for _ in range(STEPS):
            sim.run(rng.choice(WAITS_S))
            kind = rng.choice(trouble.kinds())
            if trouble.strike(kind):
                covered.troubles[kind.removeprefix("do_").replace("_", " ")] += 1
        _calm(sim, trouble)
        _on_demand(sim)
        if statuses is not None:
            statuses.settled()
            covered.phases.update(statuses.phases)
    except Exception as broken:
        if isinstance(broken, AssertionError):
            raise Failed(f"{where}: {broken}") from None
        raise Failed(f"{where}: {type(broken).__name__}: {broken}\n" + "\n".join(sim.journal[-20:])) from broken
    finally:
        sim.close()
    covered.effects.update(sim.kinds)
    covered.requests.update(sim.requests.outcomes)
    if isinstance(sim, Follower):
        covered.source.update(sim.seen)
        covered.source.update(sim.git.ends)
    return sim


def followed(home: Home, seed: int, faults: Faults, rng: random.Random) -> Follower:
    gitops = msgspec.structs.replace(FOLLOWED, interval_s=rng.choice((5, 20, 60)), keep=rng.choice((1, 3)))
    sim = Follower(home, seed, faults, gitops=gitops)
    sim.git.rate = faults.rate
    return sim


def _calm(sim: Simulator, trouble: Edits) -> None:
    sim.requests.end()
    trouble.calm()
    if isinstance(trouble, Pushes):
        trouble.at_rest()
    trouble.repair()
    if isinstance(trouble, Pushes):
        trouble.caught_up()
    sim.run(0 if sim.faults.hints else TIMER_TURN_S)
    before = sim.actions
    sim.run(100)
    trouble.forgive()
    sim.run(CALM_S)
    wrong = converged(sim)
    assert not wrong, f"L1: {wrong}\n" + "\n".join(sim.journal[-60:])
    taken, most = sim.actions - before, 6 * len(trouble.wants) + 10
    assert taken <= most, f"L1: {taken} actions until all was well, {most} allowed\n" + "\n".join(sim.journal[-90:])
    before, effects = sim.actions, sim.effects
    sim.run(QUIET_S)
    assert sim.actions == before, "L2: it acts although all is well\n" + "\n".join(sim.journal[-30:])
    assert sim.effects > effects, "L2: the timer looks no more"


def _on_demand(sim: Simulator) -> None:
    """S15 at rest; L7: after its time a slot on demand is idle, and wakes with a request."""
    core = sim.reconciler

    def journal() -> str:
        return "\n".join(sim.journal[-30:])

    wrong = Routing(sim).at_rest()
    assert not wrong, f"{wrong}\n{journal()}"
    slots = [name for name in core.aims.on_demand if core.aims.targets[name].off in ("", "Idle")]
    for name in slots:
        target, timeout = core.aims.targets[name], core.aims.on_demand[name]
        assert not timeout or target.off == "Idle", (
            f"L7: {name} is not idle an hour after its last request\n{journal()}"
        )
        found = sim.requests.ask(name)
        assert isinstance(found, Route), f"L7: {name} is answered {found}\n{journal()}"
        sim.run(WAKES_S)
        serving = core.serving(name)
        answered = {request.container for request in sim.requests.active if request.server == name}
        assert serving is not None and answered == {serving.id}, f"L7: {name} does not wake\n{journal()}"
