"""A record on the NPU waits for a chat slot that would serve it.

A slot with device npu and type transcription or embedding has no container of its own: the NPU chat slot's
process answers for it.  While no NPU chat slot is enabled, its requests cannot be answered.

Example: `slots/stt.toml` with `device = "npu"`, and no enabled chat slot with `device = "npu"`.

Fix: enable the NPU chat slot, or turn the record off with `enabled = false`.
"""

from collections.abc import Iterator

from hal0_operator.admission.view import View
from hal0_operator.model.problem import Problem

CODE = "npu.shadow"


def check(view: View) -> Iterator[Problem]:
    on_npu = [slot for slot in view.slots.values() if slot.device == "npu" and slot.enabled]
    if any(slot.is_npu_chat for slot in on_npu):
        return
    for slot in on_npu:
        if slot.is_shadow:
            case = view.case(slot)
            yield case.warning(
                CODE,
                case.device_path,
                f"slot {slot.name} rides in the NPU chat slot's process, and no NPU chat slot is enabled",
                "enable a slot with device npu and type llm, or set `enabled = false` here",
            )
