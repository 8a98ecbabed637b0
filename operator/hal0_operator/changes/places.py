"""Where a key of a slot, a profile or a selection stands in its file, and the edits that change it there."""

from collections.abc import Iterator, Mapping
from typing import Any

from hal0_operator.changes.edit import Drop, Edit, Rename, Set
from hal0_operator.model.problem import KeyPath

_SAME: dict[KeyPath, KeyPath] = {
    ("model", "context_size"): ("model", "ctx_size"),
    ("model", "ctx_size"): ("model", "context_size"),
    ("n_gpu_layers",): ("model", "n_gpu_layers"),
    ("model", "n_gpu_layers"): ("n_gpu_layers",),
}
"""Keys of a slot that have two spellings."""

_ABSENT = object()


def flattened(keys: Mapping[str, Any], tables: Mapping[str, Any], outer: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Path and value of every key; only tables that ``tables`` knows are gone into, other mappings are values."""
    for name, value in keys.items():
        inner = tables.get(name)
        if isinstance(value, Mapping) and isinstance(inner, Mapping):
            yield from flattened(value, inner, (*outer, name))
        else:
            yield (*outer, name), value


def at(tree: Mapping[str, Any], path: KeyPath) -> Any:
    """The value at a path, ``None`` where there is none."""
    found = _at(tree, path)
    return None if found is _ABSENT else found


def slot_edits(tree: Mapping[str, Any], path: KeyPath, value: Any) -> Iterator[Edit]:
    """Give one key of a slot file a value, wherever the file has it; ``None`` removes it.

    A key that is not there yet is written beside those that are: below ``[slot]`` where the file has its
    scalars there.
    """
    spellings = [path, *filter(None, [_SAME.get(path)])]
    there = [
        place for spelling in spellings for place in (spelling, ("slot", *spelling)) if _at(tree, place) is not _ABSENT
    ]
    if path == ("device",):
        yield from _without_backend(tree, there, [("backend",), ("slot", "backend")], value)
    yield from _put(tree, there or [_new_place(tree, path)], value)


def selection_edits(tree: Mapping[str, Any], group: str, child: str, field: str, value: Any) -> Iterator[Edit]:
    """Give one key of an overlay entry a value; ``None`` removes it."""
    entry: KeyPath = ("selections", group, child)
    place = (*entry, field)
    there = [place] if _at(tree, place) is not _ABSENT else []
    if field == "device":
        yield from _without_backend(tree, there, [(*entry, "backend")], value)
    yield from _put(tree, there or [place], value)


def _without_backend(
    tree: Mapping[str, Any], there: list[KeyPath], legacy: list[KeyPath], value: Any
) -> Iterator[Edit]:
    """The legacy ``backend`` would contradict: it becomes the device, or goes."""
    for old in legacy:
        if _at(tree, old) is _ABSENT:
            continue
        if there or value is None:
            yield Drop(old)
        else:
            new = (*old[:-1], "device")
            yield Rename(old, "device")
            there.append(new)


def _put(tree: Mapping[str, Any], places: list[KeyPath], value: Any) -> Iterator[Edit]:
    for place in places:
        if value is not None:
            yield Set(place, value)
        elif _at(tree, place) is not _ABSENT:
            yield Drop(place)


def _new_place(tree: Mapping[str, Any], path: KeyPath) -> KeyPath:
    slot = tree.get("slot")
    if not isinstance(slot, Mapping):
        return path
    if len(path) > 1:
        inside = isinstance(slot.get(path[0]), Mapping) and path[0] not in tree
        return ("slot", *path) if inside else path
    return ("slot", *path)


def _at(tree: Mapping[str, Any], path: KeyPath) -> Any:
    here: Any = tree
    for part in path:
        if not isinstance(here, Mapping) or part not in here:
            return _ABSENT
        here = here[part]
    return here
