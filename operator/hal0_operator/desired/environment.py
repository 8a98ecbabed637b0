"""Environment tables: ``NAME = "value"``, or a reference to a secret."""

import re
from typing import Any

import msgspec

from hal0_operator.desired.faults import Faults, dotted
from hal0_operator.desired.rules import carried, refuse_kind
from hal0_operator.model.problem import KeyPath
from hal0_operator.model.profile import EnvValue, FileRef, SecretRef

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_REFERENCES: dict[str, type[SecretRef | FileRef]] = {"secret": SecretRef, "file": FileRef}


class Environment(msgspec.Struct, frozen=True):
    """A table of variables; values are never repeated in a message."""

    def read(self, value: Any, faults: Faults, path: KeyPath) -> dict[str, EnvValue] | None:
        if type(value) is not dict:
            refuse_kind(value, "a table of variables", faults, path, 'write NAME = "value" below it')
            return None
        read: dict[str, EnvValue] = {}
        for name, given in value.items():
            place = (*path, name)
            if not _NAME.match(name):
                faults.key(place, "the name of a variable is letters, digits and `_`, and begins with no digit")
                continue
            variable = _variable(given, faults, place)
            if variable is not None:
                read[name] = variable
        return read

    def schema(self) -> dict[str, Any]:
        def reference(kind: str, about: str) -> dict[str, Any]:
            return {
                "type": "object",
                "properties": {kind: {"type": "string", "minLength": 1, "description": about}},
                "required": [kind],
                "additionalProperties": False,
            }

        value = {
            "anyOf": [
                {"type": "string"},
                reference("secret", "The name of a Podman secret."),
                reference("file", "A file below one of the policy's secret folders."),
            ]
        }
        return {
            "type": "object",
            "patternProperties": {r"^[A-Za-z_][A-Za-z0-9_]*$": value},
            "additionalProperties": False,
        }


def _variable(given: Any, faults: Faults, place: KeyPath) -> EnvValue | None:
    if type(given) is str:
        return given if carried(given, faults, place) else None
    if type(given) is not dict:
        refuse_kind(given, "text or a reference", faults, place, f'quote it: {place[-1]} = "…"')
        return None
    kind = next(iter(given), "")
    reference = _REFERENCES.get(kind)
    if len(given) != 1 or reference is None:
        hint = 'write { secret = "name of a Podman secret" } or { file = "path" }'
        faults.value(place, f"`{dotted(place)}` is a table, but no reference", hint)
        return None
    target = given[kind]
    if type(target) is not str or not target.strip():
        faults.value((*place, kind), f"`{dotted((*place, kind))}` must name a {kind}")
        return None
    return reference(target) if carried(target, faults, (*place, kind)) else None
