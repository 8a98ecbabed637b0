"""Wishes about profiles, as edits of profiles.toml."""

from collections.abc import Iterator
from typing import Any

import msgspec

from hal0_operator.admission.defaults.profile import resolve
from hal0_operator.changes.checked import Flat, checked, demand_name
from hal0_operator.changes.edit import Drop, Edit, Set
from hal0_operator.changes.judged import Edits, Judged
from hal0_operator.changes.places import at
from hal0_operator.changes.refusal import Invalid, Refusal, Unknown
from hal0_operator.changes.wish import CreateProfile, DeleteProfile, EditProfile, Keys
from hal0_operator.desired.names import PROFILES_FILE
from hal0_operator.desired.profile_keys import PROFILE
from hal0_operator.desired.suggest import closest
from hal0_operator.model.problem import KeyPath, profile_key
from hal0_operator.model.profile import EnvValue, FileRef, Profile, SecretRef

_FIELDS = tuple(name for name, key in PROFILE.keys.items() if getattr(key, "field", ""))


def create(wish: CreateProfile, now: Judged) -> Edits:
    """A new entry, of its keys or a copy of another profile with those laid over.

    Raises ``Invalid``, ``Unknown``, and ``Refusal`` when the name is taken.
    """
    demand_name(wish.name, "profile", "profiles.invalid_name")
    _demand_readable(now)
    if wish.name in now.context.seeds:
        raise Refusal("profiles.exists", f"profile {wish.name} is shipped with the operator: choose another name")
    if wish.name in now.snapshot.profiles or profile_key(wish.name) in now.snapshot.broken:
        raise Refusal(
            "profiles.exists", f"profile {wish.name} exists already: `hal0ctl profile edit {wish.name}` changes it"
        )
    keys = wish.keys
    if wish.source:
        keys = keys_of(_named(wish.source, now)) | {"cloned_from": wish.source} | keys
    flat = checked(keys, PROFILE, "profile.schema")
    _demand_image(wish.name, flat)
    sets = [Set(("profile", wish.name, *path), value) for path, value in flat.items() if value is not None]
    return {PROFILES_FILE: tuple(sets)}


def edit(wish: EditProfile, now: Judged) -> Edits:
    """Raises ``Invalid``, ``Unknown``, and ``Refusal`` for a shipped profile or one that is held back."""
    _demand_own(wish.name, now)
    tree = now.tree(PROFILES_FILE)
    present = at(tree, ("profile", wish.name)) or {}
    flat = checked(wish.keys, PROFILE, "profile.schema")
    if wish.whole:
        _demand_image(wish.name, flat)
        flat = dict.fromkeys(_unnamed(present, wish.keys), None) | flat
    edits: list[Edit] = []
    for path, value in flat.items():
        if value is not None:
            edits.append(Set(("profile", wish.name, *path), value))
        elif at(present, path) is not None:
            edits.append(Drop(("profile", wish.name, *path)))
    return {PROFILES_FILE: tuple(edits)}


def delete(wish: DeleteProfile, now: Judged) -> Edits:
    """Raises ``Unknown``, and ``Refusal`` for a shipped profile or one that a slot names."""
    _demand_own(wish.name, now, broken=True)
    users = sorted(
        slot.name
        for slot in now.snapshot.slots.values()
        if slot.profile is not None and resolve(slot.profile, now.catalogue) == wish.name
    )
    if users:
        message = f"profile {wish.name} is used by {', '.join(users)}: give those slots another profile first"
        raise Refusal("profiles.in_use", message)
    return {PROFILES_FILE: (Drop(("profile", wish.name)),)}


def keys_of(profile: Profile) -> Keys:
    """A profile's keys as a file would have them, those left out that say nothing."""
    keys: dict[str, Any] = {name: getattr(profile, name) for name in _FIELDS}
    keys["env"] = {name: _written(value) for name, value in profile.env.items()}
    keys |= {"mounts": list(profile.mounts), "devices": list(profile.devices)}
    return {name: value for name, value in keys.items() if value not in (None, "", False, [], {})}


def _written(value: EnvValue) -> Any:
    return (
        {type(value).__struct_config__.tag: msgspec.structs.astuple(value)[0]}
        if isinstance(value, SecretRef | FileRef)
        else value
    )


def _unnamed(present: Keys, keys: Keys) -> Iterator[KeyPath]:
    """What goes when these keys are all: whole tables at once, so that no header stays behind."""
    yield from ((name,) for name in present if name not in keys)
    if "env" in keys:
        yield from (("env", name) for name in present.get("env", {}) if name not in (keys["env"] or {}))


def _demand_image(name: str, flat: Flat) -> None:
    if not flat.get(("image",)):
        message = f'profile {name} names no image: image = "…", with the registry, such as ghcr.io/… or localhost/…'
        raise Invalid("profile.schema", message)


def _named(name: str, now: Judged) -> Profile:
    found = now.catalogue.get(name)
    if found is None:
        raise _unknown(name, now)
    return found


def _unknown(name: str, now: Judged) -> Unknown:
    near = closest(name, now.catalogue)
    hint = f"did you mean {near}?" if near else f"there are: {', '.join(sorted(now.catalogue))}"
    return Unknown("profiles.not_found", f"no profile {name}: {hint}")


def _demand_readable(now: Judged) -> None:
    if PROFILES_FILE in now.snapshot.broken_files:
        found = tuple(problem for problem in now.snapshot.problems if problem.file == PROFILES_FILE)
        where = f" ({found[0].address}: {found[0].message})" if found else ""
        raise Refusal(
            "changeset.base_denied", f"{PROFILES_FILE} cannot be read as it is{where}: correct it first", found
        )


def _demand_own(name: str, now: Judged, *, broken: bool = False) -> None:
    _demand_readable(now)
    if name in now.context.seeds:
        copy = f"hal0ctl profile clone {name} {name}-custom"
        raise Refusal("profiles.seed_immutable", f"profile {name} is shipped and cannot be changed; copy it: {copy}")
    if profile_key(name) in now.snapshot.broken and not broken:
        found = now.verdict.denied.get(profile_key(name), ())
        raise Refusal("changeset.base_denied", f"profile {name} cannot be read as it is: correct it first", found)
    if name not in now.snapshot.profiles and profile_key(name) not in now.snapshot.broken:
        raise _unknown(name, now)
