"""The legacy `[npu]` table says something else than the records.

Whether the NPU's process also transcribes and embeds is decided by enabled records: slots with device npu
and type transcription or embedding.  The table `[npu] asr, embed` of older hal0 releases has no effect, so
where it disagrees with the records, what it asks for does not happen.

Example: `[npu] asr = true` in `slots/npu.toml`, and no enabled transcription record.

Fix: write the record (`hal0ctl migrate` does), or remove the key.
"""

from collections.abc import Iterator

from hal0_operator.admission.view import View
from hal0_operator.model.problem import Problem
from hal0_operator.model.slot import SlotType

CODE = "npu.legacy_table"

_ROLES: tuple[tuple[str, SlotType, str], ...] = (("asr", "transcription", "stt"), ("embed", "embedding", "embed"))


def check(view: View) -> Iterator[Problem]:
    for name, declared in view.declared.items():
        if declared.npu_asr is None and declared.npu_embed is None:
            continue
        wishes = {"asr": declared.npu_asr, "embed": declared.npu_embed}
        found = [
            (role, text) for role, type, usual in _ROLES if (text := _disagreement(view, wishes[role], type, usual))
        ]
        if found:
            yield view.case(view.slots[name]).warning(
                CODE,
                ("npu", found[0][0]),
                "the [npu] table has no effect, the records decide: "
                + "; ".join(f"`{role} = {str(wishes[role]).lower()}`, but {text}" for role, text in found),
                "write or enable the records (`hal0ctl migrate` writes missing ones), or remove the keys",
                point="key",
            )


def _disagreement(view: View, wish: bool | None, type: SlotType, usual: str) -> str:
    """What stands against the table's wish for one role, ``""`` when the records agree."""
    records = sorted(
        (slot for slot in view.slots.values() if slot.is_shadow and slot.type == type), key=lambda s: s.name
    )
    enabled = [slot for slot in records if slot.enabled]
    if wish and not enabled:
        if records:
            return f"the record {records[0].file} is not enabled"
        return f"there is no {type} record such as slots/{usual}.toml"
    if wish is False and enabled:
        return f"the record {enabled[0].file} is enabled"
    return ""
