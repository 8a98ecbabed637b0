"""Exclusive resources: host ports, the NPU, and the turn of a profile's slots to swap.

A resource is held by every container that exists, in any state and in any home, and by a removed
container's process until it is seen dead.  That alone orders port swaps between slots and the
hand-over of the NPU.
"""

from collections.abc import Callable, Mapping

from hal0_operator.model.action import Wait
from hal0_operator.model.launch import LaunchInputs, Target
from hal0_operator.model.memory import SlotMemory
from hal0_operator.model.world import Container, Ghost
from hal0_operator.reconcile.rollback import Effective
from hal0_operator.reconcile.world import Holder, World

UNDEAD_S = 1.0
"""How long a removed container's process may take to die: it was killed, and has its memory to give back."""


class Peers:
    """What the other slots want, for the rules that look across slots.

    ``leaves`` answers whether a container, by its id, is ended by a call of ours or drains.
    """

    def __init__(
        self,
        targets: Mapping[str, Target],
        effective: Mapping[str, Effective],
        memory: Mapping[str, SlotMemory],
        hands_off: frozenset[str],
        is_ready: Callable[[str], bool],
        leaves: Callable[[str], bool],
        swapping: set[str],
    ) -> None:
        self.targets = targets
        self.effective = effective
        self.memory = memory
        self.hands_off = hands_off
        self.is_ready = is_ready
        self.leaves = leaves
        self.swapping = swapping
        self.profiles: dict[str, list[str]] = {}
        for name, target in targets.items():
            if target.wanted:
                self.profiles.setdefault(target.profile, []).append(name)

    def keeps_port(self, holder: Holder, port: int) -> bool:
        """Whether this holder is there to stay: its slot still wants the port, or is hands off."""
        if not holder.ours or holder.slot in self.hands_off:
            return True
        wanted = self.effective.get(holder.slot)
        return wanted is not None and wanted.inputs.port == port

    def keeps_npu(self, holder: Holder) -> bool:
        if not holder.ours or holder.slot in self.hands_off:
            return True
        wanted = self.effective.get(holder.slot)
        return wanted is not None and wanted.inputs.family == "flm"


def blocked_create(inputs: LaunchInputs, world: World, own: Container | None = None) -> Wait | None:
    """Create and start need all that the container takes to be held by nobody else."""
    for holder in world.port_holders(inputs.port):
        if own is None or holder.id != own.id:
            return Wait("PortHeld", f"port {inputs.port} is held by {holder.name}")
    if inputs.family == "flm":
        for holder in world.npu_holders():
            if own is None or holder.id != own.id:
                return Wait("NPUHeld", f"the NPU is held by {holder.name}")
    return None


def undead(inputs: LaunchInputs, world: World, now: float) -> Ghost | None:
    """A process of ours that outlived its container for too long, and holds what these inputs take."""
    for ghost in world.ghosts.values():
        holds = inputs.port in ghost.ports or (ghost.npu and inputs.family == "flm")
        if ghost.slot and holds and now >= ghost.since + UNDEAD_S:
            return ghost
    return None


def blocked_swap(inputs: LaunchInputs, own: Container, world: World, peers: Peers) -> Wait | None:
    """Removing for a swap needs the successor's resources to be free, its own, or on their way out."""
    for holder in world.port_holders(inputs.port):
        if holder.id != own.id and peers.keeps_port(holder, inputs.port):
            return Wait("PortHeld", f"port {inputs.port} is held by {holder.name}; {own.name} keeps serving")
    if inputs.family == "flm":
        for holder in world.npu_holders():
            if holder.id != own.id and peers.keeps_npu(holder):
                return Wait("NPUHeld", f"the NPU is held by {holder.name}; {own.name} keeps serving")
    return None


def blocked_profile(target: Target, own: Container, world: World, peers: Peers) -> Wait | None:
    """Swaps that one profile causes go one slot at a time, and stop at the first rejection."""
    if not caused_by_profile(target, own, peers.memory.get(target.slot.name)):
        return None
    for name in peers.profiles.get(target.profile, ()):
        other = peers.targets[name]
        if name == target.slot.name or other.profile_digest != target.profile_digest:
            continue
        memory = peers.memory.get(name, SlotMemory())
        if memory.rejected is not None and memory.rejected.digest == other.digest:
            return Wait(
                "ProfileHeld",
                f"profile {target.profile} was rejected on {name}: {memory.rejected.message}; "
                f"edit the profile, or try it with `hal0ctl restart {name}`",
            )
        if _swapping(other, memory, world, peers):
            return Wait("ProfileTurn", f"{name} swaps to profile {target.profile} first")
    return None


def caused_by_profile(target: Target, own: Container, memory: SlotMemory | None) -> bool:
    """Whether the profile's part of the inputs differs from what runs (or that is not known)."""
    good = memory.last_good.inputs if memory and memory.last_good else None
    if good is None or target.inputs is None or good.digest != own.digest:
        return True
    new = target.inputs
    return (good.image, good.flags, good.mtp, good.env, good.mounts, good.devices) != (
        new.image,
        new.flags,
        new.mtp,
        new.env,
        new.mounts,
        new.devices,
    )


def _swapping(other: Target, memory: SlotMemory, world: World, peers: Peers) -> bool:
    """On its way to these inputs: the old container is gone, or going, and the new one not Ready.

    One that waits for a port or the NPU tries nothing yet, and may wait for the very slot that asks.
    After a restart of the operator only the last good inputs tell.
    """
    name = other.slot.name
    known_good = memory.last_good is None or memory.last_good.inputs.digest == other.digest
    if name not in peers.swapping and known_good:
        return False
    if name in peers.hands_off or peers.is_ready(name):
        return False
    own = world.own(name)
    if own:
        return own[0].digest == other.digest or peers.leaves(own[0].id)
    wanted = peers.effective.get(name)
    return wanted is not None and blocked_create(wanted.inputs, world) is None
