"""The keys of a wish, held against the tables that the decoder reads files by."""

from typing import Any

from hal0_operator.changes.places import flattened
from hal0_operator.changes.refusal import Invalid
from hal0_operator.changes.wish import Keys
from hal0_operator.desired.faults import Faults
from hal0_operator.desired.names import is_name, shown
from hal0_operator.desired.table import Key, Table, unknown, walk
from hal0_operator.model.problem import KeyPath
from hal0_operator.model.slot import NAME_PATTERN

Flat = dict[KeyPath, Any]


def checked(keys: Keys, table: Table, code: str) -> Flat:
    """Every key by its path; ``None`` stays for what is to be removed.

    Raises ``Invalid`` with a problem for each unknown key and each bad value; their paths are the wish's own.
    """
    faults = Faults("", code)
    walk(_without_removals(keys), table, faults)
    flat = dict(flattened(keys, _tables(table)))
    for path, value in flat.items():
        if value is None and not _known(path, table):
            unknown(path, table, faults, table)
    refuse(faults)
    return flat


def refuse(faults: Faults) -> None:
    """Raises ``Invalid`` when there is a fault."""
    if faults.problems:
        first = faults.problems[0]
        message = first.message + (f": {first.hint}" if first.hint else "")
        more = len(faults.problems) - 1
        raise Invalid(first.code, message + (f" (and {more} more)" if more else ""), faults.problems)


def demand_name(name: str, kind: str, code: str) -> None:
    """Raises ``Invalid`` for what is no name."""
    if not is_name(name):
        message = f"`{shown(name)}` is no name for a {kind}: {NAME_PATTERN}, small letters, digits, - and _, at most 32"
        raise Invalid(code, message)


def _without_removals(keys: Keys) -> Keys:
    inner = {name: _without_removals(value) if isinstance(value, dict) else value for name, value in keys.items()}
    return {name: value for name, value in inner.items() if value is not None}


def _tables(table: Table) -> dict[str, Any]:
    """The tables among its keys; variables stand in one that any name may be added to."""
    found: dict[str, Any] = {}
    for name, entry in table.keys.items():
        if isinstance(entry, Table):
            found[name] = _tables(entry)
        elif entry.table is not None:
            found[name] = _tables(entry.table)
        elif entry.field == "env":
            found[name] = {}
    return found


def _known(path: KeyPath, table: Table) -> bool:
    entry: Key | Table | None = table
    for part in path:
        if isinstance(entry, Key):
            if entry.field == "env":
                return True
            entry = entry.table
        entry = entry.keys.get(part) if isinstance(entry, Table) else None
        if entry is None:
            return False
    return True
