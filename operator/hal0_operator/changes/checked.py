"""The keys of a wish, held against the tables that the decoder reads files by."""

from typing import Any

from hal0_operator.changes.places import flattened
from hal0_operator.changes.refusal import Invalid
from hal0_operator.changes.wish import Keys, without_removals
from hal0_operator.desired.faults import Faults, dotted
from hal0_operator.desired.names import is_name, shown
from hal0_operator.desired.table import Key, Table, unknown, walk
from hal0_operator.model.problem import KeyPath
from hal0_operator.model.slot import NAME_PATTERN

DEEPEST = 16
"""Lists and tables within a value; no key needs more than two."""

Flat = dict[KeyPath, Any]


def checked(keys: Keys, table: Table, code: str) -> Flat:
    """Every key by its path; ``None`` stays for what is to be removed.

    Raises ``Invalid`` with a problem for each unknown key and each bad value; their paths are the wish's own.
    """
    faults = Faults("", code)
    walk(without_removals(keys), table, faults)
    flat = dict(flattened(keys, _tables(table)))
    for path, value in flat.items():
        if value is None and not _known(path, table):
            unknown(path, table, faults, table)
        elif value is not None and (why := _unwritable(value)):
            faults.value(path, f"`{dotted(path)}` {why}")
    refuse(faults)
    return flat


def _unwritable(value: Any, depth: int = 0) -> str:
    """Why a file cannot hold what JSON can, or ``""``."""
    if value is None:
        return "holds a null, which no file can: only a key as a whole is removed by it"
    if depth > DEEPEST:
        return "is nested too deeply"
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next(filter(None, (_unwritable(item, depth + 1) for item in inner)), "")


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
