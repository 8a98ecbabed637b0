"""Device and profile say one thing twice: the side that was named wins, the other follows."""

from collections.abc import Mapping

from hal0_operator.admission.coherence import SERVES, default_profile, devices_of, fits
from hal0_operator.admission.defaults.device import device_of
from hal0_operator.admission.defaults.profile import resolve
from hal0_operator.admission.defaults.type import type_of
from hal0_operator.admission.merge import DEFAULT_DEVICE
from hal0_operator.changes.wish import Keys
from hal0_operator.model.device import Device
from hal0_operator.model.profile import Profile
from hal0_operator.model.slot import DeclaredSlot, SlotType


def following(declared: DeclaredSlot, keys: Keys, catalogue: Mapping[str, Profile]) -> Keys:
    """What must change with ``keys`` in a slot's file: its profile after its device, or the other way.

    Nothing when both are named, neither is, or the pair agrees anyway.
    """
    if ("device" in keys) == ("profile" in keys):
        return {}
    type = keys.get("type") or type_of(declared)
    if "device" in keys:
        return _profile_after(declared, type, keys["device"] or DEFAULT_DEVICE, catalogue)
    return _device_after(keys["profile"], device_of(declared), catalogue)


def completing(before: DeclaredSlot, now: DeclaredSlot, catalogue: Mapping[str, Profile]) -> Keys:
    """The other side of a hand edit that changed one of the two; nothing when both were changed, or neither."""
    device, profile = device_of(now), now.profile
    moved, renamed = device != device_of(before), profile != before.profile
    if moved == renamed:
        return {}
    if moved:
        return _profile_after(now, type_of(now), device, catalogue)
    return _device_after(profile, device, catalogue)


def agree(declared: DeclaredSlot, catalogue: Mapping[str, Profile]) -> bool:
    """Whether a slot's file names a profile that fits its device."""
    device = device_of(declared)
    profile = catalogue.get(_name(declared, type_of(declared), device, catalogue))
    return profile is not None and fits(device, profile)


def device_for(type: SlotType, profile: str | None, catalogue: Mapping[str, Profile]) -> Device:
    """The device of a slot that names none: one that its profile, named or of its type, runs on."""
    if profile is None and type == "transcription":  # no other shipped server transcribes
        return "npu"
    found = catalogue.get(profile or default_profile(type, DEFAULT_DEVICE))
    return _first(devices_of(found)) if found is not None else DEFAULT_DEVICE


def _profile_after(declared: DeclaredSlot, type: SlotType, device: Device, catalogue: Mapping[str, Profile]) -> Keys:
    if declared.profile is None:
        return {}
    profile = catalogue.get(resolve(declared.profile, catalogue))
    if profile is None or fits(device, profile):
        return {}
    name = default_profile(type, device)
    default = catalogue.get(name)
    serves = default is not None and fits(device, default) and type in SERVES[default.family]
    return {"profile": name} if serves else {}


def _device_after(name: str | None, present: Device, catalogue: Mapping[str, Profile]) -> Keys:
    profile = catalogue.get(resolve(name, catalogue)) if name is not None else None
    if profile is None or fits(present, profile):
        return {}
    devices = devices_of(profile)
    return {"device": _first(devices)} if devices else {}


def _first(devices: tuple[Device, ...]) -> Device:
    return DEFAULT_DEVICE if DEFAULT_DEVICE in devices or not devices else devices[0]


def _name(declared: DeclaredSlot, type: SlotType, device: Device, catalogue: Mapping[str, Profile]) -> str:
    return resolve(declared.profile, catalogue) if declared.profile else default_profile(type, device)
