"""The profile's runtime cannot serve a slot of this type.

What a profile runs follows from its class and its image: llama-server serves llm, embedding and reranking;
flm (on the NPU) llm, embedding and transcription; kokoro tts; comfyui image.  While the slot is disabled or
has no model this is a warning.

Example: an embedding slot with `device = "cpu"` and no profile: the CPU's shipped profile is text to speech.

Fix: another device, another profile, or another type.
"""

from collections.abc import Iterator

from hal0_operator.admission.coherence import SERVES, default_profile
from hal0_operator.admission.view import Case
from hal0_operator.model.device import DEFAULT_PROFILE, Device
from hal0_operator.model.problem import Problem
from hal0_operator.model.slot import PROFILE_BY_TYPE, SlotType

CODE = "profile.family_mismatch"


def check(case: Case) -> Iterator[Problem]:
    slot, profile = case.slot, case.profile
    if profile is None or slot.type in SERVES[profile.family]:
        return
    source = "" if case.declared.profile is not None else f", the default for {slot.device},"
    yield case.error(
        CODE,
        case.profile_path,
        f"slot {slot.name} is of type {slot.type}, but profile {slot.profile}{source} runs {profile.family}, "
        f"which serves {', '.join(SERVES[profile.family])}",
        _hint(slot.type, slot.device),
        severity="error" if slot.enabled and slot.model is not None else "warning",
        parties=case.profile_parties,
    )


def _hint(type: SlotType, device: Device) -> str:
    """What would serve the type, on this device where a shipped profile does, else elsewhere."""
    families = [family for family, types in SERVES.items() if type in types]
    if type in PROFILE_BY_TYPE:
        return f'`profile = "{default_profile(type, device)}"` serves it'
    served = {d: p for d, p in DEFAULT_PROFILE.items() if type in _TYPES_BY_DEVICE[d]}
    if device in served:
        return f'`profile = "{served[device]}"` serves it'
    choices = " or ".join(f'`device = "{d}"` (profile {p})' for d, p in served.items())
    return f"no shipped profile serves it on {device}: use {choices}, or a profile of your own that runs {families[0]}"


_TYPES_BY_DEVICE: dict[Device, tuple[SlotType, ...]] = {
    "gpu-rocm": SERVES["llama-server"],
    "gpu-vulkan": SERVES["llama-server"],
    "cpu": SERVES["kokoro"],
    "npu": SERVES["flm"],
}
