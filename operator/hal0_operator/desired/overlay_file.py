"""capabilities.toml: text to selections, each with its own problems."""

from collections.abc import Iterator
from typing import Any

from hal0_operator.desired import toml
from hal0_operator.desired.decoded import Decoded
from hal0_operator.desired.faults import Faults, dotted
from hal0_operator.desired.names import shown
from hal0_operator.desired.overlay_keys import OVERLAY, SELECTION
from hal0_operator.desired.rules import refuse_kind
from hal0_operator.desired.source import SourceFile
from hal0_operator.desired.suggest import did_you_mean
from hal0_operator.desired.table import unknown, walk
from hal0_operator.model.capability import CHILDREN, GROUPS, Child, Selection
from hal0_operator.model.device import LEGACY_BACKENDS
from hal0_operator.model.digest import digest
from hal0_operator.model.problem import KeyPath, capability_key

_CHAT = "chat is no capability: its place is slots/chat.toml"


def decode_overlay(source: SourceFile) -> Decoded:
    """Version 1 files, and ``backend`` in any, are promoted as they are read."""
    file = Faults(source.file, "capability.schema")
    groups = _groups(source, file)
    if groups is None:
        return Decoded(whole=False, problems=tuple(file.problems))
    selections: dict[str, Selection] = {}
    broken = set()
    for path, child, entry in _children(groups, file):
        key = capability_key(child.dotted)
        faults = Faults(source.file, "capability.schema", key)
        selection = decode_selection(child, entry, faults, path)
        if selection is None:
            broken.add(key)
        else:
            selections[child.dotted] = selection
        file.problems += faults.problems
    return Decoded(
        selections=selections,
        broken=frozenset(broken),
        problems=tuple(file.problems),
        digest="" if file.problems else digest("overlay:1", selections),
    )


def decode_selection(child: Child, entry: Any, faults: Faults, path: KeyPath = ()) -> Selection | None:
    """One selection, of the file or of a request's body; None when something of it is bad."""
    if not isinstance(entry, dict):
        refuse_kind(entry, "a table", faults, path, f"write its keys below [{dotted(path)}]")
        return None
    values = walk(entry, SELECTION, faults, path).values
    if faults.problems:
        return None
    backend = values.pop("backend", None)
    if backend is not None and "device" not in values:
        values["device"] = LEGACY_BACKENDS[backend]
    return Selection(group=child.group, child=child.name, **values)


def _groups(source: SourceFile, file: Faults) -> dict[str, Any] | None:
    if source.refused:
        file.value((), source.refused)
        return None
    doc = toml.parse(source.data)
    if isinstance(doc, toml.Fault):
        file.at(doc.at, doc.message, doc.hint, doc.path)
        return None
    for name in doc:
        if name not in OVERLAY.keys:
            unknown((name,), OVERLAY, file, OVERLAY)
    version = doc.get("schema_version", 1)
    groups = doc.get("selections", {})
    if not isinstance(groups, dict):
        refuse_kind(groups, "a table", file, ("selections",), "write [selections.GROUP.CHILD]")
        return None
    # a version that is not known may mean anything by its keys
    known = walk({"schema_version": version}, OVERLAY, file).values
    return groups if known else None


def _children(groups: dict[str, Any], file: Faults) -> Iterator[tuple[KeyPath, Child, Any]]:
    for group, children in groups.items():
        path: KeyPath = ("selections", group)
        if group not in GROUPS:
            hint = _CHAT if group == "chat" else did_you_mean(group, GROUPS)
            _unknown_child(path, group, hint, file)
        elif not isinstance(children, dict):
            refuse_kind(children, "a table", file, path, f"write [selections.{group}.CHILD]")
        else:
            for name, entry in children.items():
                child = CHILDREN.get(f"{group}.{name}")
                if child is not None:
                    yield (*path, name), child, entry
                    continue
                names = [known.name for known in CHILDREN.values() if known.group == group]
                hint = _CHAT if name == "chat" else did_you_mean(name, names)
                _unknown_child((*path, name), f"{group}.{name}", hint, file)


def _unknown_child(path: KeyPath, name: str, hint: str, file: Faults) -> None:
    faults = Faults(file.file, "capability.unknown_child", capability_key(shown(name)))
    faults.key(path, f"there is no capability `{shown(name)}`", hint)
    file.problems += faults.problems
