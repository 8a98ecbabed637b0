"""Which values are secret, and how they are kept out of everything that is shown."""

from collections.abc import Iterable

from hal0_operator.model.container import ContainerSpec
from hal0_operator.model.launch import LaunchInputs

MASK = "********"
SHORTEST = 4
"""Values shorter than this are not masked inside text: they would garble it and hide nothing."""

_ENDINGS = ("KEY", "TOKEN", "SECRET", "PASSWORD")


def is_secret_name(name: str) -> bool:
    """Whether a literal value under this environment name is taken for a secret."""
    return name.upper().endswith(_ENDINGS)


def literal_secrets(inputs: LaunchInputs) -> tuple[str, ...]:
    """Secret values that stand literally in a home."""
    return tuple(value for name, value in inputs.env.items() if isinstance(value, str) and is_secret_name(name))


def secrets_of(spec: ContainerSpec) -> tuple[str, ...]:
    """Every secret value of a container that the operator knows, those from files included."""
    return tuple(spec.env[name] for name in spec.masked if name in spec.env)


def mask(text: str, secrets: Iterable[str]) -> str:
    """``text`` without the values, the longest first so that no part of one is left over.

    A value of several lines, such as a key file's, is masked line by line: logs come in lines.
    """
    lines = {line.strip() for value in secrets for line in value.splitlines()}
    for value in sorted(lines, key=len, reverse=True):
        if len(value) >= SHORTEST:
            text = text.replace(value, MASK)
    return text
