"""At most one enabled chat slot may use the NPU.

The NPU's hardware context admits one language model at a time: a second chat slot could only take the
device away from the first.  Records of type transcription or embedding on the NPU do not count, they ride
in the chat slot's process.

Example: `slots/npu.toml` and `slots/npu2.toml` both with `device = "npu"`, both enabled.  A slot without a
`type` is a chat slot, unless its name says otherwise.

Fix: `enabled = false` in one of them, or another `device`.
"""

from collections.abc import Iterator

from hal0_operator.admission.view import View
from hal0_operator.model.problem import Problem, slot_key

CODE = "npu.exclusive"


def check(view: View) -> Iterator[Problem]:
    rivals = sorted(
        name for name, slot in view.slots.items() if slot.device == "npu" and slot.enabled and slot.is_npu_chat
    )
    if len(rivals) < 2:
        return
    parties = tuple(map(slot_key, rivals))
    for name in rivals:
        case = view.case(view.slots[name])
        others = ", ".join(view.slots[other].file for other in rivals if other != name)
        yield case.error(
            CODE,
            case.device_path,
            f"slot {name} is an enabled chat slot on the NPU, which runs one at a time, and so is {others}",
            "set `enabled = false` in all but one of them, or give them another device",
            parties=parties,
        )
