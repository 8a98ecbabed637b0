"""A rollback obeys the policy in force now, not the one under which its inputs served."""

import msgspec

from hal0_operator.model.launch import LaunchInputs, Target
from hal0_operator.model.memory import LastGood, Rejected, SlotMemory
from hal0_operator.model.settings import Policy
from hal0_operator.reconcile.rollback import Claims, effective
from tests.reconcile.turns import Turns
from tests.sim.home import Home, slot
from tests.sim.simulator import SETTINGS


def target() -> Target:
    return Turns(Home({"chat": slot(8101)})).core.aims.targets["chat"]


def rolled_back_to(good: LaunchInputs, wanted: Target) -> bool:
    memory = SlotMemory(last_good=LastGood(good, "i1"), rejected=Rejected(wanted.digest, "CrashLoop", "exited 1"))
    found = effective(wanted, memory, Claims.of({"chat": wanted}), SETTINGS)
    assert found is not None
    return found.rolled_back


def test_inputs_that_mount_what_is_forbidden_by_now_are_not_rolled_back_to():
    wanted = target()
    assert wanted.inputs is not None
    good = msgspec.structs.replace(wanted.inputs, context_size=512)
    assert rolled_back_to(good, wanted)
    assert not rolled_back_to(msgspec.structs.replace(good, mounts=("/etc:/etc:ro",)), wanted)
    assert SETTINGS.policy.mounts == Policy().mounts
