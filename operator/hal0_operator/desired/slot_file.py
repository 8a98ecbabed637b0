"""One slot file: text to a declared slot, with everything that is wrong with it."""

from typing import Any

from hal0_operator.desired import toml
from hal0_operator.desired.decoded import Decoded
from hal0_operator.desired.faults import Faults
from hal0_operator.desired.names import is_name, shown
from hal0_operator.desired.slot_keys import SLOT
from hal0_operator.desired.slot_layout import flat
from hal0_operator.desired.source import SourceFile
from hal0_operator.desired.table import walk
from hal0_operator.model.device import LEGACY_BACKENDS
from hal0_operator.model.digest import digest
from hal0_operator.model.problem import slot_key
from hal0_operator.model.slot import NAME_PATTERN, TYPE_BY_NAME, DeclaredSlot, SlotKeys

_NAMES = f"names are {NAME_PATTERN}: small letters, digits, - and _, at most 32"


def decode_slot(source: SourceFile, stem: str) -> Decoded:
    """``stem`` is the file's name without ``.toml``, good or bad."""
    faults = Faults(shown(source.file), "slot.schema", slot_key(shown(stem)))
    doc = _document(source, stem, faults)
    slot = None
    if doc is not None:
        name = _name(stem, doc)
        faults.parties = (slot_key(name),)
        slot = _declared(source, name, doc, faults)
    if slot is None or faults.problems:
        return Decoded(broken=frozenset(faults.parties), problems=tuple(faults.problems))
    return Decoded(slot=slot, digest=_digest(slot))


def _digest(slot: DeclaredSlot) -> str:
    """Of what the file says, in either layout and whatever it is called."""
    return digest("slot:1", {field: getattr(slot, field) for field in _CONTENT})


_CONTENT = tuple(field for field in DeclaredSlot.__struct_fields__ if field not in {"file", "nested"})


def _document(source: SourceFile, stem: str, faults: Faults) -> dict[str, Any] | None:
    if not is_name(stem):
        faults.value((), f"`{shown(stem)}` is no name for a slot", f"rename the file; {_NAMES}", "slot.name")
        return None
    if source.refused:
        faults.value((), source.refused)
        return None
    doc = toml.parse(source.data)
    if isinstance(doc, toml.Fault):
        faults.at(doc.at, doc.message, doc.hint, doc.path)
        return None
    if not any(_has_keys(value) for value in doc.values()):
        hint = "delete the file to remove the slot, or set `enabled = false` to turn it off"
        faults.value((), "the file says nothing about the slot", hint, "slot.empty")
        return None
    return doc


def _has_keys(value: Any) -> bool:
    """A key with a value; a header alone is what a file half written begins with."""
    return not isinstance(value, dict) or any(not isinstance(inner, dict) or inner for inner in value.values())


def _declared(source: SourceFile, name: str, doc: dict[str, Any], faults: Faults) -> DeclaredSlot | None:
    doc, nested = flat(source, doc, faults)
    found = walk(doc, SLOT, faults)
    values, ignored = found.values, set(found.ignored)
    written = values.pop("name", name)
    if written != name:
        hint = f'write name = "{name}", or leave `name` out, or rename the file'
        message = f"`name` is `{shown(written)}`, but the file is {shown(source.file)}"
        faults.value(("name",), message, hint, "slot.name")
    if source.file != f"slots/{name}.toml":
        ignored.discard("id")
    stronger = values.pop("ctx_size", None)
    if stronger is not None:
        if "context_size" in values:
            ignored.add("model.context_size")
        values["context_size"] = stronger
    provider = values.pop("provider", None)
    if provider is not None and _contradicts(provider, name, values):
        ignored.add("provider")
    operator = SlotKeys(**values.pop("operator", {}))
    if faults.problems:
        return None
    return DeclaredSlot(
        name=name,
        file=source.file,
        nested=nested,
        operator=operator,
        ignored=tuple(sorted(ignored)),
        **values,
    )


def _name(stem: str, doc: dict[str, Any]) -> str:
    """The stem, or for a file that hal0 named by its ``id`` the ``name`` within."""
    slot = doc.get("slot")
    keys = doc | slot if isinstance(slot, dict) else doc
    name = keys.get("name")
    by_id = stem.isdecimal() and str(keys.get("id")) == stem
    return name if by_id and isinstance(name, str) and is_name(name) else stem


_PROVIDER_FITS = {"flm": "npu", "kokoro": "tts", "comfyui": "image"}
"""The device or the type that a provider of hal0 goes with."""


def _contradicts(provider: str, name: str, values: dict[str, Any]) -> bool:
    """Whether hal0's ``provider`` says something else than device and type; its default says nothing."""
    if provider == "llama-server":
        return False
    device = values.get("device") or LEGACY_BACKENDS.get(values.get("backend", ""))
    kind = values.get("type") or TYPE_BY_NAME.get(name, "llm")
    return _PROVIDER_FITS.get(provider, "") not in {device, kind}
