"""From admitted slots to targets: what the loop is to make real, and why a slot is off."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from hal0_operator.model.device import BACKEND_OF
from hal0_operator.model.digest import digest
from hal0_operator.model.launch import LaunchInputs, Target
from hal0_operator.model.profile import Family, Profile
from hal0_operator.model.settings import Settings
from hal0_operator.model.slot import Slot
from hal0_operator.runtimes import FAMILIES
from hal0_operator.runtimes.flags import split

STORE = "{store}"
"""The one variable in flags and mounts: the model store's path."""

_MTP_DEVICE = {"rocm": "ROCm0", "vulkan": "Vulkan0"}


class Shadows(msgspec.Struct, frozen=True):
    """The enabled shadow records, and the enabled NPU chat slot that serves them (``""``: none)."""

    asr: bool = False
    embed: bool = False
    anchor: str = ""


NO_SHADOWS = Shadows()


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A profile made ready for many slots: flags split, ``{store}`` filled in, content digested."""

    profile: Profile
    family: Family
    digest: str
    flags: tuple[str, ...]
    mounts: tuple[str, ...]


class _Row(NamedTuple):
    """A target with everything that it was made of."""

    slot: Slot
    profile: Profile | None
    generation: str
    port: int | None
    idle: bool
    shadows: Shadows
    target: Target


class Memo:
    """Remembers targets between calls, so that only what changed is made anew.

    It only saves time: an empty one gives the same answers.
    """

    def __init__(self) -> None:
        self.store = ""
        self.rows: dict[str, _Row] = {}
        self.templates: dict[str, Template] = {}


def shadows_of(slots: Iterable[Slot]) -> Shadows:
    """By device and type, never by name."""
    npu = sorted((s for s in slots if s.device == "npu" and s.enabled), key=lambda s: s.name)
    if not npu:
        return NO_SHADOWS
    return Shadows(
        asr=any(s.type == "transcription" for s in npu),
        embed=any(s.type == "embedding" for s in npu),
        anchor=next((s.name for s in npu if s.type == "llm"), ""),
    )


def template(profile: Profile, store: str) -> Template:
    try:
        tokens = split(profile.flags)
    except ValueError:  # refused by admission; an older version may still be in force
        tokens = tuple(profile.flags.split())
    return Template(
        profile=profile,
        family=profile.family,
        digest=digest("profile:1", profile),
        flags=tuple(token.replace(STORE, store) for token in tokens),
        mounts=tuple(mount.replace(STORE, store) for mount in profile.mounts),
    )


def target(
    slot: Slot,
    profile: Profile | None,
    records: Shadows,
    settings: Settings,
    port: int | None,
    generation: str,
    on_demand_idle: bool = False,
) -> Target:
    """What the loop makes real for one slot.

    ``port`` is the slot's own or the chosen one; without one ``inputs`` is ``None`` and all else is complete.
    ``profile`` is ``None`` where the catalogue lacks it, which is possible for slots that are off anyway.
    """
    store = _store(settings)
    made = template(profile, store) if profile is not None else None
    return _target(slot, made, records, store, _Chosen(port, generation, on_demand_idle))


def targets(
    slots: Mapping[str, Slot],
    catalogue: Mapping[str, Profile],
    generations: Mapping[str, str],
    settings: Settings,
    ports: Mapping[str, int],
    memo: Memo,
    idle: frozenset[str] = frozenset(),
) -> dict[str, Target]:
    """The targets of all slots.

    ``ports`` are those chosen for slots that name none, ``idle`` the on-demand slots without
    demand.  A slot whose parts are the very same objects as last time keeps its target.
    """
    store = _store(settings)
    if memo.store != store:
        memo.store, memo.rows, memo.templates = store, {}, {}
    shadows = shadows_of(slots.values())
    rows: dict[str, _Row] = {}
    known = memo.rows
    for name, slot in slots.items():
        row = known.get(name)
        profile = catalogue.get(slot.profile)
        generation = generations.get(name, "")
        port = slot.port if slot.port is not None else ports.get(name)
        # Shadows concern the NPU only: a record that is switched on leaves every other slot's row alone.
        records = shadows if slot.device == "npu" else NO_SHADOWS
        if (
            row is None
            or row[0] is not slot
            or row[1] is not profile
            or row[2] != generation
            or row[3] != port
            or row[4] != (name in idle)
            or row[5] != records
        ):
            chosen = _Chosen(port, generation, name in idle)
            made = _target(slot, _template(profile, store, memo), records, store, chosen)
            row = _Row(slot, profile, generation, port, chosen.idle, records, made)
        rows[name] = row
    memo.rows = rows
    memo.templates = {name: made for name, made in memo.templates.items() if catalogue.get(name) is made.profile}
    return {name: row[6] for name, row in rows.items()}


class _Chosen(NamedTuple):
    port: int | None
    generation: str
    idle: bool


def _store(settings: Settings) -> str:
    """A trailing slash is formatting and must not restart anything."""
    return settings.model_store.rstrip("/") or "/"


def _template(profile: Profile | None, store: str, memo: Memo) -> Template | None:
    if profile is None:
        return None
    made = memo.templates.get(profile.name)
    if made is None or made.profile is not profile:
        made = memo.templates[profile.name] = template(profile, store)
    return made


def _target(slot: Slot, made: Template | None, records: Shadows, store: str, chosen: _Chosen) -> Target:
    family = made.family if made is not None else _likely_family(slot)
    inputs = None
    if made is not None and chosen.port is not None and not slot.is_shadow:
        inputs = _inputs(slot, made, records, store, chosen.port)
    return Target(
        slot=slot,
        generation=chosen.generation,
        family=family,
        profile=slot.profile,
        profile_digest=made.digest if made is not None else "",
        inputs=inputs,
        digest=inputs.digest if inputs is not None else "",
        off=_off(slot, family, made is None, chosen.idle),
        anchor=records.anchor if slot.is_shadow else "",
    )


def _off(slot: Slot, family: Family, lost: bool, idle: bool) -> str:
    if not slot.enabled:
        return "disabled"
    if slot.is_shadow:
        return "shadow"
    # A model-less slot of a type that its runtime cannot serve is only warned about, so nothing may come of it.
    if lost or (not slot.model and (family in ("llama-server", "flm") or slot.type not in FAMILIES[family].types)):
        return "NoModel"
    return "Idle" if idle and slot.operator.load == "on-demand" else ""


def _likely_family(slot: Slot) -> Family:
    """For a slot whose profile is not in the catalogue; it is off, so this is for display."""
    if slot.device == "npu":
        return "flm"
    if slot.type == "tts":
        return "kokoro"
    return "comfyui" if slot.type == "image" else "llama-server"


def _inputs(slot: Slot, made: Template, records: Shadows, store: str, port: int) -> LaunchInputs:
    """Only what the family uses: a key that has no effect must not restart a model."""
    profile, family = made.profile, made.family
    llama, flm = family == "llama-server", family == "flm"
    mtp = llama and slot.type == "llm" and (profile.mtp if slot.mtp is None else slot.mtp)
    layers = slot.n_gpu_layers
    return LaunchInputs(
        slot=slot.name,
        family=family,
        type=slot.type,
        device=slot.device,
        image=slot.image or profile.image,
        port=port,
        flags=made.flags,
        extra_args=tuple(token.replace(STORE, store) for token in slot.extra_args),
        mtp=mtp,
        mtp_device=_MTP_DEVICE.get(profile.backend or BACKEND_OF[slot.device], "") if mtp else "",
        model=(slot.model or "") if llama or flm else "",
        context_size=slot.context_size if llama or flm else 0,
        n_gpu_layers=layers if llama and layers is not None and layers >= 0 else None,
        vision=slot.vision if llama and slot.type == "llm" else True,
        env={**profile.env, **slot.env},
        mounts=made.mounts,
        devices=profile.devices,
        asr=flm and records.asr,
        embed=flm and records.embed,
        store="" if flm else store,
    )
