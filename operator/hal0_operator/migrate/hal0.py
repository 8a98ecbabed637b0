"""A home that hal0 wrote, brought up to date."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import tomli

from hal0_operator.admission.coherence import SERVES, default_profile, fits
from hal0_operator.admission.defaults.device import device_of
from hal0_operator.admission.defaults.profile import resolve
from hal0_operator.admission.defaults.type import type_of
from hal0_operator.changes.edit import CannotEdit, Drop, Edit, Rename, Set, edited, literal
from hal0_operator.desired.assemble import assemble
from hal0_operator.desired.names import OVERLAY_FILE, PROFILES_FILE
from hal0_operator.desired.source import HomeFiles, SourceFile
from hal0_operator.model.device import LEGACY_BACKENDS
from hal0_operator.model.problem import KeyPath
from hal0_operator.model.profile import Profile
from hal0_operator.model.slot import DeclaredSlot, SlotType
from hal0_operator.model.snapshot import Snapshot
from hal0_operator.runtimes import flags
from hal0_operator.runtimes.inputs import STORE


class Migration(msgspec.Struct, frozen=True):
    """Changed and new texts by file, and what has to be done by hand."""

    texts: dict[str, str]
    refused: tuple[str, ...] = ()


def migrate(files: Mapping[str, str], seeds: Mapping[str, Profile], store: str) -> Migration:
    """What a home of hal0 needs: texts in, changed texts out; a second run changes nothing.

    Plain copies of shipped profiles go, edited ones get a name of their own, also in the slots.  Retired
    profile names and the legacy ``backend`` are replaced, a profile that contradicts its device follows it,
    records that only the ``[npu]`` table asks for are written, and an overlay of version 1 becomes one of
    version 2.  ``store`` is the model store that hal0 wrote into its copies.  Files that cannot be decoded
    are left alone.
    """
    home = HomeFiles({file: SourceFile(file, text.encode()) for file, text in files.items()})
    snapshot, _ = assemble(home, seeds)
    copies, renamed = _seed_entries(snapshot, seeds, store)
    catalogue = {name: p for name, p in snapshot.profiles.items() if name not in seeds} | dict(seeds)
    catalogue |= {new: msgspec.structs.replace(snapshot.profiles[old], name=new) for old, new in renamed.items()}
    wishes: dict[str, list[Edit]] = {PROFILES_FILE: [*map(_entry, copies), *_renames(snapshot, renamed)]}
    for slot in snapshot.slots.values():
        wishes[slot.file] = list(
            _slot_edits(tomli.loads(files[slot.file].removeprefix("\ufeff")), slot, renamed, catalogue)
        )
    if OVERLAY_FILE in files and OVERLAY_FILE not in snapshot.broken_files:
        wishes[OVERLAY_FILE] = list(_overlay_edits(tomli.loads(files[OVERLAY_FILE].removeprefix("\ufeff"))))
    texts = dict(_records(snapshot, files))
    refused = []
    for file, edits in wishes.items():
        try:
            text = edited(files[file], edits) if edits else files.get(file, "")
        except CannotEdit as unusual:
            refused.append(f"{file}: {unusual}")
            continue
        if text != files.get(file, ""):
            texts[file] = text
    return Migration(texts, tuple(refused))


# ── profiles ───────────────────────────────────────────────────────────────────────────────────


def _seed_entries(
    snapshot: Snapshot, seeds: Mapping[str, Profile], store: str
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Entries with a shipped profile's name: plain copies, and edited ones with their new names."""
    copies: list[str] = []
    renamed: dict[str, str] = {}
    for name in sorted(snapshot.profiles.keys() & seeds.keys()):
        if _launches(snapshot.profiles[name], store) == _launches(seeds[name], store):
            copies.append(name)
        else:
            taken = snapshot.profiles.keys() | seeds.keys() | set(renamed.values())
            choices = (f"{name}-custom{number}" for number in ("", *range(2, 99)))
            renamed[name] = next(choice for choice in choices if choice not in taken)
    return tuple(copies), renamed


def _launches(profile: Profile, store: str) -> object:
    """What decides a container; words about intent do not."""
    try:
        tokens = flags.split(profile.flags)
    except ValueError:
        tokens = (profile.flags,)
    tokens = tuple(token.replace(STORE, store) for token in tokens)
    mounts = tuple(mount.replace(STORE, store) for mount in profile.mounts)
    hardware = (profile.klass, profile.backend, profile.devices)
    return (profile.image, tokens, profile.mtp, hardware, profile.env, mounts)


def _entry(name: str) -> Edit:
    return Drop(("profile", name))


def _renames(snapshot: Snapshot, renamed: Mapping[str, str]) -> Iterator[Edit]:
    for old, new in renamed.items():
        yield Rename(("profile", old), new)
        if not snapshot.profiles[old].cloned_from:
            yield Set(("profile", new, "cloned_from"), old)


# ── slots ──────────────────────────────────────────────────────────────────────────────────────


def _slot_edits(
    tree: dict[str, Any], slot: DeclaredSlot, renamed: Mapping[str, str], catalogue: dict[str, Profile]
) -> Iterator[Edit]:
    backend = LEGACY_BACKENDS.get(slot.backend or "")
    if backend is not None and slot.device is None:
        path = _path(tree, "backend")
        yield Rename(path, "device")
        yield Set((*path[:-1], "device"), backend)
    elif backend is not None and backend != slot.device:
        yield Drop(_path(tree, "backend"))
    if slot.profile is None:
        return
    name = renamed.get(slot.profile) or resolve(slot.profile, catalogue)
    profile, device, type = catalogue.get(name), device_of(slot), type_of(slot)
    if profile is not None and not fits(device, profile):
        default = default_profile(type, device)
        if fits(device, catalogue[default]) and type in SERVES[catalogue[default].family]:
            name = default
    if name != slot.profile:
        yield Set(_path(tree, "profile"), name)


def _path(tree: Mapping[str, Any], key: str) -> KeyPath:
    """Where a slot's scalar stands."""
    return (key,) if key in tree else ("slot", key)


_ROLES: tuple[tuple[str, SlotType, str], ...] = (
    ("npu_asr", "transcription", "stt"),
    ("npu_embed", "embedding", "embed"),
)


def _records(snapshot: Snapshot, files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """New files for the records that only a legacy ``[npu]`` table asks for."""
    slots = snapshot.slots.values()
    there = {type_of(slot) for slot in slots if device_of(slot) == "npu"}
    anchors = sorted((s for s in slots if type_of(s) == "llm" and device_of(s) == "npu"), key=lambda s: s.name)
    for field, type, usual in _ROLES:
        anchor = next((slot for slot in anchors if getattr(slot, field)), None)
        if anchor is None or type in there:
            continue
        file = next(f for f in (f"slots/{usual}.toml", f"slots/{anchor.name[:20]}-{usual}.toml") if f not in files)
        keys = {"type": type, "device": "npu", "enabled": True}
        yield file, "".join(f"{key} = {literal(value)}\n" for key, value in keys.items())


# ── the overlay ────────────────────────────────────────────────────────────────────────────────


def _overlay_edits(tree: Mapping[str, Any]) -> Iterator[Edit]:
    if tree.get("schema_version") != 2:
        yield Set(("schema_version",), 2)
    groups = tree.get("selections", {})
    for group, children in groups.items() if isinstance(groups, dict) else ():
        for child, entry in children.items() if isinstance(children, dict) else ():
            if isinstance(entry, dict) and "backend" in entry:
                yield from _selection_edits(("selections", group, child), entry)


def _selection_edits(path: KeyPath, entry: Mapping[str, Any]) -> Iterator[Edit]:
    backend = entry["backend"]
    device = LEGACY_BACKENDS.get(backend) if isinstance(backend, str) else None
    if entry.get("device"):
        yield Drop((*path, "backend"))
    elif backend == "" or device is not None:
        if "device" in entry:
            yield Drop((*path, "backend"))
            yield Set((*path, "device"), device or "")
        else:
            yield Rename((*path, "backend"), "device")
            yield Set((*path, "device"), device or "")
