"""Speculative decoding is on for a model that does not look made for it.

MTP needs a model with the extra prediction heads; such models carry `mtp` in their names.  With another
model the server fails to start or is slower.

Example: `profile = "rocm-dnse"` with the model `gemma-4-12b-it`.

Fix: `mtp = false` in the slot file, a profile without MTP, or an MTP model.
"""

import re
from collections.abc import Iterator

from hal0_operator.admission.view import Case
from hal0_operator.model.problem import Problem

CODE = "slot.mtp_model"

_TOKENS = re.compile(r"[^a-z0-9]+")


def check(case: Case) -> Iterator[Problem]:
    slot, profile = case.slot, case.profile
    if profile is None or profile.family != "llama-server" or slot.model is None:
        return
    if not (profile.mtp if slot.mtp is None else slot.mtp) or "mtp" in _TOKENS.split(slot.model.lower()):
        return
    source = "its file turns" if slot.mtp else f"profile {slot.profile} turns"
    yield case.warning(
        CODE,
        ("mtp",) if slot.mtp else case.profile_path,
        f"slot {slot.name} runs a model whose name has no `mtp`, and {source} speculative decoding on",
        "set `mtp = false` unless the model has MTP heads",
    )
