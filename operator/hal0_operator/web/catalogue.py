"""The catalogue as it is shown: each profile with what follows from it."""

import shlex
from collections.abc import Iterable, Mapping
from itertools import chain

from hal0_operator.model.device import Device
from hal0_operator.model.launch import LaunchInputs
from hal0_operator.model.profile import Family, Profile
from hal0_operator.runtimes import FAMILIES
from hal0_operator.runtimes.flags import parse, split
from hal0_operator.runtimes.secrets import masked, masked_row
from hal0_operator.web.shapes import ProfileBody

_DEVICE: dict[str, Device] = {"npu": "npu", "cpu": "cpu"}
_MTP_DEVICE: dict[str | None, str] = {"rocm": "ROCm0", "vulkan": "Vulkan0", None: ""}


def profile_bodies(
    catalogue: Mapping[str, Profile], used: Iterable[tuple[str, str]], store: str
) -> tuple[ProfileBody, ...]:
    """One body per profile, seeds first; ``used`` are (profile, slot) pairs, ``store`` the model store."""
    users: dict[str, list[str]] = {}
    for profile, slot in used:
        users.setdefault(profile, []).append(slot)
    ordered = sorted(catalogue.values(), key=lambda p: (not p.seed, p.name if not p.seed else ""))
    return tuple(_body(profile, tuple(sorted(users.get(profile.name, ()))), store) for profile in ordered)


def _body(profile: Profile, used_by: tuple[str, ...], store: str) -> ProfileBody:
    return ProfileBody(
        name=profile.name,
        image=profile.image,
        flags=shown_flags(profile.flags),
        resolved_flags=resolved_flags(profile, store),
        mtp=profile.mtp,
        device_class=profile.klass,
        backend=profile.backend,
        runtime_family=profile.family,
        slot_types=FAMILIES[profile.family].types,
        seed=profile.seed,
        cloned_from=profile.cloned_from,
        intent=profile.intent,
        quant=profile.quant,
        bench={"tps": profile.bench.tps, "rtf": profile.bench.rtf},
        used_by=used_by,
    )


def shown_flags(text: str) -> str:
    """As written, unless there is a secret in it."""
    try:
        flags = parse(split(text))
    except ValueError:
        return masked_row(text)
    shown = [masked(flag.tokens) for flag in flags]
    return text if shown == [flag.tokens for flag in flags] else shlex.join(chain.from_iterable(shown))


def resolved_flags(profile: Profile, store: str) -> str:
    """What the profile gives to a command line: store filled in, repeated flags merged, MTP appended.

    The draft device of a profile for either backend follows the slot's device, and is left out.
    """
    text = profile.flags.replace("{store}", store)
    try:
        flags = tuple(shlex.split(text))
    except ValueError:  # an unbalanced quote; such a profile is never admitted, but may be a retained one
        return masked_row(text)
    family: Family = profile.family
    module = FAMILIES[family]
    inputs = LaunchInputs(
        slot="",
        family=family,
        type=module.types[0],
        device=_DEVICE.get(profile.klass, "gpu-vulkan" if profile.backend == "vulkan" else "gpu-rocm"),
        image=profile.image,
        port=0,
        flags=flags,
        mtp=profile.mtp,
        mtp_device=_MTP_DEVICE[profile.backend],
        store=store,
    )
    own = (f"profile {profile.name}", "mtp")
    return " ".join(token for token, source in module.argv(inputs, profile=profile.name) if source in own)
