"""What the loop knows of a slot beside the world; lost with the process, and that is safe."""

import msgspec

from hal0_operator.model.action import Wait
from hal0_operator.model.container import ContainerSpec
from hal0_operator.model.facts import HostFacts
from hal0_operator.model.launch import LaunchInputs
from hal0_operator.model.probe import Verdict
from hal0_operator.model.world import Container, NameHolder

NEVER = float("-inf")


UNANSWERED_TO_TELL = 3
"""Requests in a row without an answer after which a server that calls itself healthy is not believed."""


class Run(msgspec.Struct):
    """One start of a container, as this process saw it.  All times are monotonic seconds.

    ``since`` is when it was first seen running: the start-up deadline counts from there; ``tick`` is the
    loop's then: a probe that began before tells of an earlier start.
    ``strange``: its inputs are not known, so nobody asks it, and no deadline runs.
    ``dead_at`` is set by a fired pidfd or a list; one run ends once.  ``refused`` counts since the last
    pass, ``unmet`` the probes in a row that met no server at all.  ``unanswered`` counts requests that ended
    without an answer since the last that had one, ``heard_at`` is when the last byte of an answer came.
    """

    id: str
    since: float
    tick: int
    next_probe: float
    interval: float
    strange: bool = False
    ready: bool = False
    ready_at: float = NEVER
    dead_at: float | None = None
    verdict: Verdict | None = None
    detail: str = ""
    refused: int = 0
    unmet: int = 0
    failed_roles: tuple[str, ...] = ()
    path_broken: bool = False
    called_once: bool = False
    silent_since: float | None = None
    unanswered: int = 0
    heard_at: float = NEVER

    @property
    def stuck(self) -> bool:
        """Healthy, and answers nothing."""
        return self.unanswered >= UNANSWERED_TO_TELL


class Drain(msgspec.Struct):
    """A container that is given up once its requests are answered; no new ones are sent there since ``since``.

    ``sent``: a call that ends it was made.  Whatever it answered, it may still take effect.
    """

    container: str
    since: float
    sent: bool = False


class Outside(msgspec.Struct):
    """Something outside that a slot waits for.

    ``binding``: a call failed of it, so nothing is tried before ``until``; else a look may come earlier.
    """

    reason: str
    message: str
    delay: float
    until: float
    binding: bool = False


class Rendering(msgspec.Struct, frozen=True):
    """A container without our labels, of these inputs on a host with these facts; ``rendered`` is its digest."""

    inputs: LaunchInputs
    facts: HostFacts
    spec: ContainerSpec
    rendered: str


class SlotState(msgspec.Struct):
    """``need_list`` and ``last_write`` are ticks: a turn needs a list begun after the one, and a list
    begun before the other is not believed; ``hinted`` is the last hint's.  ``facts`` are of the digest
    ``facts_for``, ``""`` when stale.  ``exits`` in a row pace the restarts; ``exits_unready`` of the digest
    ``exits_digest`` reject it.  ``doomed`` is a container that must be removed and created again,
    ``start_lost`` one whose start was not answered.
    ``holders`` of the name ``holders_of`` are None until asked for.  ``gate``: no turn before the memory of
    this version was written (or could not be).  ``rendering`` only saves time.
    """

    name: str
    run: Run | None = None
    exits: int = 0
    exits_unready: int = 0
    exits_digest: str = ""
    next_start: float = NEVER
    restarts: int = 0
    facts: HostFacts | None = None
    facts_at: float = NEVER
    facts_for: str = ""
    facts_freed: int = 0
    outside: Outside | None = None
    need_list: int = 0
    hinted: int = 0
    last_write: int = 0
    doomed: str = ""
    doomed_why: str = ""
    start_lost: str = ""
    heal_tries: int = 0
    heal_next: float = NEVER
    stopping_since: float | None = None
    remove_next: float = NEVER
    remove_delay: float = 0.0
    logs_for: str = ""
    holders: tuple[NameHolder, ...] | None = None
    holders_of: str = ""
    ask_name: bool = False
    wants_image: str = ""
    pull_again: bool = False
    restart_id: str = ""
    gate: int = 0
    waiting: Wait | None = None
    begun_at: float = NEVER
    time_to_ready: float | None = None
    rendering: Rendering | None = None


def answers(state: SlotState, container: Container) -> bool:
    """A probe passed on this start of the container, and its process lives."""
    run = state.run
    if run is None or not run.ready or run.path_broken or run.id != container.id:
        return False
    return container.alive is not False


class PullState(msgspec.Struct):
    """One image being fetched.  ``again_at`` paces the next try after a failure."""

    image: str
    begun_at: float = NEVER
    progress: str = ""
    delay: float = 0.0
    again_at: float = NEVER
    fault: str = ""
