"""Device, profile and type: what fits together, and what follows from one of them."""

from hal0_operator.model.device import DEFAULT_PROFILE, DEVICES, Device
from hal0_operator.model.profile import Family, Profile
from hal0_operator.model.slot import PROFILE_BY_TYPE, Slot, SlotType
from hal0_operator.runtimes import FAMILIES

SERVES: dict[Family, tuple[SlotType, ...]] = {name: module.types for name, module in FAMILIES.items()}
"""The slot types that a runtime family serves."""


def fits(device: Device, profile: Profile) -> bool:
    """Whether a profile may run on a device; a profile without a backend fits either GPU device."""
    match device:
        case "gpu-rocm":
            return profile.klass == "img" or (profile.klass == "gpu" and profile.backend in (None, "rocm"))
        case "gpu-vulkan":
            return profile.klass == "img" or (profile.klass == "gpu" and profile.backend in (None, "vulkan"))
        case "npu":
            return profile.klass == "npu"
        case "cpu":
            return profile.klass == "cpu"


def devices_of(profile: Profile) -> tuple[Device, ...]:
    """Every device that a profile fits."""
    return tuple(device for device in DEVICES if fits(device, profile))


def default_profile(type: SlotType, device: Device) -> str:
    """The shipped profile of a slot that names none."""
    return PROFILE_BY_TYPE.get(type) or DEFAULT_PROFILE[device]


_FAMILY_OF_DEFAULT: dict[str, Family] = {"tts": "kokoro", "comfyui": "comfyui", "flm": "flm"}
"""Of the shipped profiles that slots get by default; the rest are llama-server's."""


def default_serves(type: SlotType, device: Device) -> bool:
    """Whether the shipped profile for a type and a device is any good there: no shipped one runs an llm on a CPU."""
    return type in SERVES[_FAMILY_OF_DEFAULT.get(default_profile(type, device), "llama-server")]


def needs_model(family: Family, type: SlotType) -> bool:
    """Whether a container is pointless without a model: llama-server, and the chat role of flm."""
    return family == "llama-server" or (family == "flm" and type == "llm")


def has_container(slot: Slot, profile: Profile | None) -> bool:
    """Whether a slot takes a port: it is switched on, no shadow record, and has the model it needs."""
    if not slot.enabled or slot.is_shadow:
        return False
    return slot.model is not None or (profile is not None and not needs_model(profile.family, slot.type))
