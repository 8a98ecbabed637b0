"""The two layouts of a slot file: its keys at the root, or below ``[slot]``."""

from typing import Any

from hal0_operator.desired.faults import Faults, dotted
from hal0_operator.desired.positions import Index
from hal0_operator.desired.slot_keys import SLOT
from hal0_operator.desired.source import SourceFile
from hal0_operator.desired.table import walk
from hal0_operator.model.problem import KeyPath, Position


def flat(source: SourceFile, doc: dict[str, Any], faults: Faults) -> tuple[dict[str, Any], bool]:
    """The keys below ``[slot]`` and those at the root as one document.

    The same key in both is an error when the values differ, and so are two ``n_gpu_layers``.
    """
    pairs: list[tuple[KeyPath, KeyPath]] = []
    slot = doc.get("slot")
    nested = isinstance(slot, dict)
    if isinstance(slot, dict):
        doc = {name: value for name, value in doc.items() if name != "slot"}
        # `image` is two keys: an image by text, and a table of settings
        image = slot.get("image")
        if isinstance(image, dict) != isinstance(doc.get("image"), dict) and "image" in doc and image is not None:
            slot = {name: value for name, value in slot.items() if name != "image"}
            walk({"image": image if isinstance(image, dict) else doc["image"]}, SLOT, faults)
            doc["image"] = image if isinstance(image, str) else doc["image"]
        doc = _merged(doc, slot, (), pairs)
    model = doc.get("model")
    if isinstance(model, dict) and "n_gpu_layers" in model and "n_gpu_layers" in doc:
        if model["n_gpu_layers"] == doc["n_gpu_layers"]:
            doc = {name: value for name, value in doc.items() if name != "n_gpu_layers"}
        else:
            pairs.append((("n_gpu_layers",), ("model", "n_gpu_layers")))
    if pairs:
        _report(source, pairs, faults)
    return doc, nested


def _merged(
    outer: dict[str, Any], inner: dict[str, Any], path: KeyPath, pairs: list[tuple[KeyPath, KeyPath]]
) -> dict[str, Any]:
    merged = dict(outer)
    for name, value in inner.items():
        there = merged.get(name)
        if isinstance(there, dict) and isinstance(value, dict) and not path:
            merged[name] = _merged(there, value, (name,), pairs)
        elif name in merged and (type(there) is not type(value) or there != value):
            pairs.append(((*path, name), ("slot", *path, name)))
        else:
            merged[name] = value
    return merged


def _report(source: SourceFile, pairs: list[tuple[KeyPath, KeyPath]], faults: Faults) -> None:
    index, start = Index(source.data), Position(1, 1)
    for pair in pairs:
        places = sorted((index.key(path) or index.value(path) or start, path) for path in pair)
        (first, path), (again, other) = places
        message = f"`{dotted(path)}` on line {first.line} and `{dotted(other)}` on line {again.line} differ"
        faults.at(again, message, "they mean the same key: remove one", pair[0])
