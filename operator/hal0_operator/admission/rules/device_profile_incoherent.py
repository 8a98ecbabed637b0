"""The slot's device and its profile contradict each other.

A profile is made for one kind of hardware.  A gpu-rocm or gpu-vulkan slot needs a profile of class gpu (or
img) that names no backend or that device's own; an npu slot needs class npu; a cpu slot class cpu.  Which
of the two is meant cannot be known, so nothing is guessed.

Example: `device = "gpu-vulkan"` with `profile = "rocm-dnse"`, which is built for ROCm.

Fix: change the device to one that the profile fits, or the profile to one that fits the device; the message
names both.  `hal0ctl migrate` lets the profile follow the device.
"""

from collections.abc import Iterator

from hal0_operator.admission.coherence import default_profile, default_serves, devices_of, fits
from hal0_operator.admission.view import Case
from hal0_operator.model.problem import Problem
from hal0_operator.model.profile import Profile

CODE = "device.profile_incoherent"


def check(case: Case) -> Iterator[Problem]:
    slot, profile = case.slot, case.profile
    if profile is None or fits(slot.device, profile):
        return
    fixes = [f'`device = "{device}"`' for device in devices_of(profile)]
    default = default_profile(slot.type, slot.device)
    if default != slot.profile and default_serves(slot.type, slot.device):
        fixes.append(f'`profile = "{default}"`')
    yield case.error(
        CODE,
        case.profile_path,
        f"slot {slot.name} has device {slot.device}{'' if case.device_path else ' (the default)'}, "
        f"but profile {slot.profile} is for {_described(profile)}",
        f"either {' or '.join(fixes)}" if fixes else "name a profile that fits the device",
        parties=case.profile_parties,
    )


def _described(profile: Profile) -> str:
    backend = f" with {profile.backend}" if profile.klass == "gpu" and profile.backend else ""
    return f"class {profile.klass}{backend}"
