"""What happens to a repository that is followed, each as a script; the last push of each is good."""

from collections.abc import Callable

from tests.sim.follower import Follower
from tests.sim.home import Home, slot
from tests.sim.scenarios import SETTLE_S

PORTS = {"chat": 8101, "code": 8102, "util": 8103, "more": 8104}


def four() -> Home:
    return Home({name: slot(port) for name, port in PORTS.items()})


def push(sim: Follower, *, settle: float = SETTLE_S, **contexts: int) -> None:
    """Every slot in the checkout, those named with so much context."""
    for name, port in PORTS.items():
        sim.home.slot(name, slot(port, context=contexts.get(name, 4096)))
    sim.edit()
    sim.run(settle)


def push_a_bad_one(sim: Follower, *, settle: float = SETTLE_S) -> None:
    sim.home.slot("code", "port = \n")
    sim.home.slot("util", slot(8103, context=8192))
    sim.edit()
    sim.run(settle)


def _first(sim: Follower) -> None:
    sim.run(SETTLE_S)


def _change(sim: Follower) -> None:
    sim.run(SETTLE_S)
    push(sim, chat=8192)


def _refused_and_corrected(sim: Follower) -> None:
    sim.run(SETTLE_S)
    push_a_bad_one(sim)
    push(sim, util=2048)


def _refused_behind_a_good_one(sim: Follower) -> None:
    sim.run(SETTLE_S)
    push(sim, chat=8192, settle=0.3)
    push_a_bad_one(sim)
    push(sim, chat=2048)


def _rewritten(sim: Follower) -> None:
    """A force push; the server throws the old history away."""
    sim.run(SETTLE_S)
    push(sim, chat=8192, settle=0)
    sim.repository.collect()
    sim.run(SETTLE_S)


def _rewound(sim: Follower) -> None:
    sim.run(SETTLE_S)
    push(sim, chat=8192)
    sim.repository.point(sim.repository.tips[0])
    sim.call_webhook()
    sim.run(SETTLE_S)


def _held(sim: Follower) -> None:
    """Most slots go, which nobody approves, and come back."""
    sim.run(SETTLE_S)
    for name in ("code", "util", "more"):
        sim.home.slot(name, None)
    sim.edit()
    sim.run(SETTLE_S)
    push(sim, util=8192)


def _approved(sim: Follower) -> None:
    sim.run(SETTLE_S)
    for name in ("code", "util", "more"):
        sim.home.slot(name, None)
    sim.edit()
    for _ in range(3):
        sim.run(SETTLE_S)
        sim.approve_prune()
    sim.run(SETTLE_S)
    push(sim, util=8192)


def _rolled_back(sim: Follower) -> None:
    sim.run(SETTLE_S)
    push(sim, chat=8192)
    sim.steer("rollback", "", "test")
    sim.run(SETTLE_S)
    push(sim, chat=2048)
    sim.steer("resume")
    sim.run(SETTLE_S)


def _suspended(sim: Follower) -> None:
    sim.run(SETTLE_S)
    push(sim, chat=8192, settle=0.2)
    sim.steer("suspend", "test", "")
    sim.run(SETTLE_S)
    sim.steer("resume")
    push(sim, chat=2048)


def _rolled_back_meanwhile(sim: Follower) -> None:
    """A newer one is on its way."""
    sim.run(SETTLE_S)
    push(sim, chat=8192)
    push(sim, chat=1024, settle=0.25)
    sim.steer("rollback", "", "test")
    sim.run(SETTLE_S)
    sim.steer("resume")
    sim.run(SETTLE_S)


def _suspended_at_once(sim: Follower) -> None:
    """While the first revision is on its way."""
    sim.run(0.25)
    sim.steer("suspend", "test", "")
    sim.run(SETTLE_S)
    sim.steer("resume")
    push(sim, chat=8192)


GIT_SCENARIOS: dict[str, Callable[[Follower], None]] = {
    "first revision": _first,
    "change": _change,
    "refused and corrected": _refused_and_corrected,
    "refused right behind a good one": _refused_behind_a_good_one,
    "history rewritten": _rewritten,
    "rewound": _rewound,
    "held by the prune guard": _held,
    "pruning approved": _approved,
    "rolled back": _rolled_back,
    "rolled back meanwhile": _rolled_back_meanwhile,
    "suspended": _suspended,
    "suspended at once": _suspended_at_once,
}
