"""What a swap changes, field by field, for people."""

import shlex
from collections.abc import Mapping, Sequence

import msgspec

from hal0_operator.model.launch import LaunchInputs
from hal0_operator.model.profile import EnvValue, FileRef, SecretRef
from hal0_operator.model.status import FieldDiff
from hal0_operator.model.userinfo import starred
from hal0_operator.runtimes.flags import parse
from hal0_operator.runtimes.secrets import MASK, is_secret_name

ABSENT = ""
"""How a side is shown that does not exist."""

_FLAGS = ("flags", "extra_args")
_DEFAULTS = tuple((field.name, field.default) for field in msgspec.structs.fields(LaunchInputs))


def field_diff(before: LaunchInputs | None, after: LaunchInputs) -> tuple[FieldDiff, ...]:
    """Every field that differs; without ``before`` every field that is not at its default.

    Flags are compared flag by flag (``flags --parallel``), the environment name by name
    (``env HF_TOKEN``), with literal secrets masked on both sides.
    """
    old = _fields(before) if before is not None else {}
    new = _fields(after)
    names = dict.fromkeys((*new, *old))
    found = []
    for name in names:
        left, right = old.get(name, ABSENT), new.get(name, ABSENT)
        if left != right:
            # Compared in the clear, shown masked: a secret that changed is a change.
            found.append(FieldDiff(name, _shown(name, left), _shown(name, right)))
    return tuple(found)


def _fields(inputs: LaunchInputs) -> dict[str, str]:
    """Field names, in the struct's order, to text; what stands at its default is left out."""
    fields: dict[str, str] = {}
    for name, default in _DEFAULTS:
        value = getattr(inputs, name)
        if value in (default, {}):
            continue
        if name in _FLAGS:
            fields |= _flags(name, value)
        elif name == "env":
            fields |= _env(value)
        else:
            fields[name] = _text(value)
    return fields


def _flags(field: str, tokens: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for flag in parse(tokens):
        name = f"{field} {flag.canonical}".rstrip()
        text = shlex.join(flag.tokens)
        found[name] = f"{found[name]} {text}" if name in found else text
    return found


def _env(values: Mapping[str, EnvValue]) -> dict[str, str]:
    return {f"env {name}": _value(value) for name, value in sorted(values.items())}


def _value(value: EnvValue) -> str:
    match value:
        case str():
            return value
        case SecretRef(secret=secret):
            return f"{{secret {secret}}}"
        case FileRef(file=file):
            return f"{{file {file}}}"


def _shown(name: str, text: str) -> str:
    """References are no secrets, and an absent side has nothing to hide."""
    _, _, own = name.partition(" ")
    if not is_secret_name(own) or text == ABSENT or text.startswith(("{secret ", "{file ")):
        return starred(text)
    return f"{own} {MASK}" if own.startswith("-") else MASK


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return "" if value is None else str(value)
