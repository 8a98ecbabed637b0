"""profiles.toml, and the shipped seeds: text to profiles, each with its own problems."""

from collections.abc import Mapping
from typing import Any

from hal0_operator.desired import toml
from hal0_operator.desired.decoded import Decoded
from hal0_operator.desired.faults import Faults
from hal0_operator.desired.names import PROFILES_FILE, is_name, shown
from hal0_operator.desired.positions import locate
from hal0_operator.desired.profile_keys import PROFILE, PROFILES, SEED
from hal0_operator.desired.rules import refuse_kind
from hal0_operator.desired.source import SourceFile
from hal0_operator.desired.table import Table, unknown, walk
from hal0_operator.model.digest import digest
from hal0_operator.model.problem import KeyPath, profile_key
from hal0_operator.model.profile import Bench, Profile
from hal0_operator.model.slot import NAME_PATTERN

_NO_IMAGE = 'image = "…", with the registry: ghcr.io/…, docker.io/… or localhost/…'


def decode_profiles(source: SourceFile, seeds: Mapping[str, Profile]) -> Decoded:
    """The file's entries.

    An entry with a seed's name never counts, so nothing within it is worth an error: it is read as
    far as it goes, over the seed.
    """
    file = Faults(source.file, "profile.schema")
    entries = _entries(source, file)
    if entries is None:
        return Decoded(whole=False, problems=tuple(file.problems))
    profiles: dict[str, Profile] = {}
    broken = set()
    for name, entry in entries.items():
        faults = Faults(source.file, "profile.schema", profile_key(shown(name)))
        faults.hinting = not file.full
        profile = _overlaid(seeds[name], entry) if name in seeds else _profile(name, entry, faults)
        if profile is None:
            broken.add(profile_key(shown(name)))
        else:
            profiles[name] = profile
        file.problems += faults.problems
    return Decoded(
        profiles=profiles,
        broken=frozenset(broken),
        problems=tuple(file.problems),
        digest="" if file.problems else digest("profiles:1", profiles),
    )


def parse_seeds(data: bytes) -> dict[str, Profile]:
    """The shipped catalogue by name, in the file's order.

    Raises ValueError, with the first address, when the file is not what a release may ship.
    """
    source = SourceFile(file=f"seeds/{PROFILES_FILE}", data=data)
    file = Faults(source.file, "profile.schema")
    seeds = {}
    for name, entry in (_entries(source, file) or {}).items():
        seed = _profile(name, entry, file, SEED, seed=True)
        if seed is not None:
            seeds[name] = seed
    if file.problems:
        first = locate(file.problems, {source.file: source})[0]
        raise ValueError(f"{first.address}: {first.message}")
    return seeds


def _entries(source: SourceFile, file: Faults) -> dict[str, Any] | None:
    """The table of profiles, None when there is nothing to go by."""
    if source.refused:
        file.value((), source.refused)
        return None
    doc = toml.parse(source.data)
    if isinstance(doc, toml.Fault):
        file.at(doc.at, doc.message, doc.hint, doc.path)
        return None
    for name, value in doc.items():
        if name == "profile":
            continue
        if isinstance(value, dict) and "image" in value:
            file.key((name,), f"unknown table `{shown(name)}`", f"write [profile.{shown(name)}]")
        else:
            unknown((name,), PROFILES, file, PROFILES)
    entries = doc.get("profile", {})
    if not isinstance(entries, dict):
        refuse_kind(entries, "a table", file, ("profile",), "write one [profile.NAME] for each profile")
        return None
    return entries


def _profile(name: str, entry: Any, faults: Faults, table: Table = PROFILE, *, seed: bool = False) -> Profile | None:
    path: KeyPath = ("profile", name)
    before = len(faults.problems)
    if not is_name(name):
        hint = f"names are {NAME_PATTERN}: small letters, digits, - and _, at most 32"
        faults.key(path, f"`{shown(name)}` is no name for a profile", hint, "profiles.invalid_name")
    if not isinstance(entry, dict):
        refuse_kind(entry, "a table", faults, path, f"write [profile.{shown(name)}]")
        return None
    entry = _with_image(path, entry, faults)
    values = walk(entry, table, faults, path).values
    if len(faults.problems) > before:
        return None
    profile = _built(name, values, seed=seed)
    if profile.backend is not None and profile.klass in {"cpu", "npu"}:
        hint = f"this one is for class {profile.klass}: remove `backend`"
        faults.value((*path, "backend"), "`backend` is for GPU profiles alone", hint)
        return None
    return profile


def _with_image(path: KeyPath, entry: dict[str, Any], faults: Faults) -> dict[str, Any]:
    """Reports a missing image once: together with hal0's ``runner``, which stood for it."""
    image = entry.get("image", "")
    if image != "" and not (isinstance(image, str) and image.isspace()):
        return entry
    if "runner" in entry:
        message = f"profile `{shown(path[1])}` names no image, and `runner` is unknown here"
        faults.key((*path, "runner"), message, f"replace `runner` by {_NO_IMAGE}")
    else:
        faults.value((*path, "image"), f"profile `{shown(path[1])}` names no image", _NO_IMAGE)
    return {key: value for key, value in entry.items() if key not in {"runner", "image"}}


def _built(name: str, values: dict[str, Any], *, seed: bool = False) -> Profile:
    bench = Bench(**values.pop("bench", {}))
    return Profile(name=name, seed=seed, bench=bench, **values)


def _overlaid(seed: Profile, entry: Any) -> Profile:
    found = walk(entry, PROFILE, Faults(PROFILES_FILE, "profile.schema")) if isinstance(entry, dict) else None
    return _built(seed.name, {"image": seed.image} | (found.values if found else {}))
