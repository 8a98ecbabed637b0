"""Which inputs are in effect: the admitted ones, or the last good ones after a rejection."""

from collections.abc import Mapping

import msgspec

from hal0_operator.admission.policy import allows
from hal0_operator.model.launch import LaunchInputs, Target
from hal0_operator.model.memory import SlotMemory
from hal0_operator.model.settings import Settings
from hal0_operator.runtimes import flm


class Claims(msgspec.Struct, frozen=True):
    """What the admitted targets take: each port's slot, and the slot that takes the NPU.

    An idle slot takes them again with the next request.
    """

    ports: Mapping[int, str]
    npu: str = ""

    @classmethod
    def of(cls, targets: Mapping[str, Target]) -> "Claims":
        ports: dict[int, str] = {}
        npu = ""
        for name, target in targets.items():
            if target.inputs is None or not (target.wanted or target.off == "Idle"):
                continue
            ports[target.inputs.port] = name
            if target.family == "flm":
                npu = name
        return cls(ports, npu)


class Effective(msgspec.Struct, frozen=True):
    """The inputs to make real, and whether they are not the admitted ones.

    ``image_id`` is the image that served when they were last Ready: a tag may have moved since.
    """

    inputs: LaunchInputs
    digest: str
    rolled_back: bool = False
    image_id: str = ""


def is_rejected(target: Target, memory: SlotMemory) -> bool:
    return memory.rejected is not None and memory.rejected.digest == target.digest


def effective(target: Target, memory: SlotMemory, claims: Claims, settings: Settings) -> Effective | None:
    """None while nothing can be wanted: off, or no port chosen yet."""
    if target.inputs is None or not target.wanted:
        return None
    admitted = Effective(target.inputs, target.digest)
    if not is_rejected(target, memory):
        return admitted
    good = memory.last_good
    if good is None or not _usable(good.inputs, target, claims, settings):
        return admitted
    return Effective(good.inputs, good.inputs.digest, rolled_back=True, image_id=good.image_id)


def rejected_roles(target: Target | None, effective: Effective | None) -> tuple[str, ...]:
    """Roles of the NPU's process whose flags the rejected inputs have, and those that serve instead lack."""
    if target is None or target.inputs is None or effective is None or not effective.rolled_back:
        return ()
    left = flm.roles(effective.inputs)
    return tuple(role for role in flm.roles(target.inputs) if role not in left)


def _usable(good: LaunchInputs, target: Target, claims: Claims, settings: Settings) -> bool:
    """A rollback displaces nobody and obeys the policy in force now; the port that it has anyway is its own."""
    slot = target.slot.name
    same_port = target.inputs is not None and target.inputs.port == good.port
    return (
        good.digest != target.digest
        and (same_port or claims.ports.get(good.port, slot) == slot)
        and (good.family != "flm" or claims.npu in ("", slot))
        and allows(good, settings)
    )
