"""From a model reference to the file that it means, given what the store holds."""

import difflib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import msgspec

from hal0_operator.model.facts import ModelFile
from hal0_operator.runtimes.rendering import below

_SPLIT = re.compile(r"(?P<stem>.+)-(?P<part>\d{5})-of-(?P<parts>\d{5})(?P<suffix>\.gguf)", re.IGNORECASE)
_WORD = re.compile(r"[a-z0-9.]+")
SHOWN = 5
"""Files that an ambiguity names."""


class Entry(msgspec.Struct, frozen=True):
    """A row of hal0's model registry; paths as written there."""

    path: str
    projector: str = ""


class ModelProblem(msgspec.Struct, frozen=True):
    """Why a reference means no file, and what to do."""

    message: str
    reason: str = "ModelMissing"


Sizes = Callable[[str], int | None]
"""Bytes of a regular file, links followed; ``None`` when there is none."""


def registry_of(document: Any) -> dict[str, Entry]:
    """The rows of a decoded ``registry.toml`` (``[models.ID] path, mmproj``); whatever else is passed over."""
    models = document.get("models") if isinstance(document, dict) else None
    found: dict[str, Entry] = {}
    for id, row in models.items() if isinstance(models, dict) else ():
        path = row.get("path") if isinstance(row, dict) else None
        # no file is called by a NUL, and what is not printable can neither be shown nor passed on
        if isinstance(path, str) and path and path.isprintable():
            projector = row.get("mmproj")
            found[id] = Entry(path, projector if isinstance(projector, str) and projector.isprintable() else "")
    return found


def resolve(
    reference: str, roots: Sequence[str], files: Collection[str], registry: Mapping[str, Entry], size_of: Sizes
) -> ModelFile | ModelProblem:
    """The file that ``reference`` means.

    ``roots`` are the store and then the allowed folders, ``files`` the paths of all model files below
    them.  In this order: an absolute path below a root, a path relative to the store, an id of the registry, the
    one file in the store whose name matches.  A split model is named by any of its parts and
    served by its first.
    """
    path = PurePosixPath(reference)
    if not reference.isprintable():
        return ModelProblem(f"model {reference!r} contains a control character: no file is called that")
    if ".." in path.parts:
        return ModelProblem(f"model {reference!r} goes up by `..`: write the path from the store on")
    if path.is_absolute():
        return _at(str(path), reference, roots, files, size_of)
    store = roots[0]
    relative = f"{store.rstrip('/')}/{path}"
    if size_of(relative) is not None:
        return _at(relative, reference, roots, files, size_of)
    entry = registry.get(reference)
    if entry is not None:
        return _registered(entry, reference, roots, files, size_of)
    if "/" in reference:
        return ModelProblem(f"model {reference}: {relative} does not exist: put it there or name another")
    return _by_name(reference, roots, files, size_of)


def _registered(
    entry: Entry, reference: str, roots: Sequence[str], files: Collection[str], size_of: Sizes
) -> ModelFile | ModelProblem:
    """The registry may name the projector; else it is looked for beside the model."""
    store = PurePosixPath(roots[0])
    found = _at(str(store / entry.path), f"{reference} (by the registry)", roots, files, size_of)
    projector = str(store / entry.projector) if entry.projector else ""
    if isinstance(found, ModelFile) and _allowed(projector, roots) and size_of(projector) is not None:
        return msgspec.structs.replace(found, projector=projector)
    return found


def _by_name(reference: str, roots: Sequence[str], files: Collection[str], size_of: Sizes) -> ModelFile | ModelProblem:
    store = roots[0]
    models = sorted({_first_part(f) for f in files if below(f, store) and not _is_projector(f)})
    wanted = {reference.casefold(), _stem(reference).casefold()}
    exact = [f for f in models if _name(f) == reference or _stem(f) == reference]
    matches = exact or [f for f in models if wanted & {_name(f).casefold(), _stem(f).casefold()}]
    if len(matches) == 1:
        return _at(matches[0], reference, roots, files, size_of)
    if matches:
        shown = ", ".join(matches[:SHOWN]) + (", …" if len(matches) > SHOWN else "")
        return ModelProblem(
            f"model.ambiguous: {len(matches)} files match {reference!r}: {shown}; write the path of one of them"
        )
    near = difflib.get_close_matches(_stem(reference), [_stem(f) for f in models], n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}?" if near else "put the file there, or write its path"
    return ModelProblem(f"no model file {reference!r} below {store}: {hint}")


def _at(
    path: str, reference: str, roots: Sequence[str], files: Collection[str], size_of: Sizes
) -> ModelFile | ModelProblem:
    if not _allowed(path, roots):
        return ModelProblem(
            f"model {reference}: {path} is neither below the model store {roots[0]} nor below an allowed mount "
            "(settings, [policy] mounts)"
        )
    sizes = {part: size_of(part) for part in _parts(path)}
    missing = [part for part, size in sizes.items() if size is None]
    if missing:
        many = f" ({len(missing)} of its {len(sizes)} parts are missing)" if len(sizes) > 1 else ""
        return ModelProblem(f"model {reference}: {missing[0]} does not exist{many}: put it there or name another")
    first = next(iter(sizes))
    return ModelFile(first, sum(size or 0 for size in sizes.values()), _projector(first, files))


def _allowed(path: str, roots: Sequence[str]) -> bool:
    return ".." not in PurePosixPath(path).parts and any(below(path, root) for root in roots)


def _parts(path: str) -> tuple[str, ...]:
    """All parts of a split file in order, or the file alone."""
    match = _SPLIT.fullmatch(path)
    if match is None:
        return (path,)
    stem, parts, suffix = match["stem"], match["parts"], match["suffix"]
    # A hundred thousand parts are a name, not a model.
    return tuple(f"{stem}-{n:05}-of-{parts}{suffix}" for n in range(1, min(int(parts), 1_000) + 1)) or (path,)


def _first_part(path: str) -> str:
    return _parts(path)[0]


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _stem(path: str) -> str:
    """The name without ``.gguf`` and without the numbers of a split file."""
    name = _name(path)
    match = _SPLIT.fullmatch(name)
    if match is not None:
        return match["stem"]
    return name[: -len(".gguf")] if name.lower().endswith(".gguf") else name


def _is_projector(path: str) -> bool:
    return "mmproj" in _name(path).lower()


def _projector(model: str, files: Collection[str]) -> str:
    """The projector beside a model.

    A folder with one model needs no further sign.  Where several models share a folder, only a
    projector that carries the model's name is its own: another model's would keep it from starting.
    """
    folder = model.rpartition("/")[0]
    beside = sorted(f for f in files if f.rpartition("/")[0] == folder)
    projectors = [f for f in beside if _is_projector(f)]
    models = {_stem(f) for f in beside if not _is_projector(f)}
    if len(models) > 1:
        projectors = [f for f in projectors if _names(f, model)]
    return min(projectors, key=_preference, default="")


def _names(projector: str, model: str) -> bool:
    """Whether the words of a projector's name, ``mmproj`` and precision apart, all begin the model's name."""
    words = [w for w in _WORD.findall(_stem(projector).lower()) if w not in ("mmproj", "model", *_PRECISIONS)]
    own = _WORD.findall(_stem(model).lower())
    return bool(words) and own[: len(words)] == words


_PRECISIONS = ("f16", "bf16", "f32", "q8", "0", "fp16")


def _preference(projector: str) -> tuple[int, str]:
    """Half precision before full and quantised ones; then by name, so that the choice is stable."""
    words = _WORD.findall(_stem(projector).lower())
    rank = next((i for i, p in enumerate(("f16", "fp16", "bf16", "f32")) if p in words), len(_PRECISIONS))
    return rank, projector
