"""Which values are secret, and how they are kept out of everything that is shown."""

import re
from collections.abc import Iterable, Iterator, Sequence

from hal0_operator.model.container import ContainerSpec
from hal0_operator.model.launch import LaunchInputs
from hal0_operator.model.userinfo import parts, starred
from hal0_operator.runtimes.flags import canonical, parse

MASK = "********"
SHORTEST = 4
"""Values shorter than this are not masked inside text: they would garble it and hide nothing."""

_ENDINGS = ("KEY", "TOKEN", "SECRET", "PASSWORD")
_REFERENCE = "secret"
"""The key by which a home refers to a secret: what stands there is a name."""


def is_secret_name(name: str) -> bool:
    """Whether a literal value under this name, of a variable or a flag, is taken for a secret."""
    return name.upper().endswith(_ENDINGS)


def secret_flags(tokens: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The flags among ``tokens`` that carry a secret (``--hf-token``), as spelled, with their values."""
    for flag in parse(tokens):
        if flag.values and is_secret_name(flag.canonical):
            yield flag.spelled, flag.values


def literal_secrets(inputs: LaunchInputs) -> tuple[str, ...]:
    """Secret values that stand literally in a home."""
    variables = (value for name, value in inputs.env.items() if isinstance(value, str) and is_secret_name(name))
    flags = (value for _, values in secret_flags((*inputs.flags, *inputs.extra_args)) for value in values)
    texts = (*(value for value in inputs.env.values() if isinstance(value, str)), *inputs.flags, *inputs.extra_args)
    return (*variables, *flags, *(part for text in texts for part in parts(text)))


def secret_names(inputs: LaunchInputs) -> tuple[str, ...]:
    """Variables whose value is secret, those included whose value only Podman knows."""
    return tuple(name for name, value in inputs.env.items() if not isinstance(value, str) or is_secret_name(name))


def secrets_of(spec: ContainerSpec) -> tuple[str, ...]:
    """Every secret value of a container that the operator knows, those from files included."""
    return tuple(spec.env[name] for name in spec.masked if name in spec.env)


def mask(text: str, secrets: Iterable[str], names: Iterable[str] = ()) -> str:
    """``text`` without the values, the longest first so that no part of one is left over.

    A value of several lines, such as a key file's, is masked line by line: logs come in lines.
    What is printed as the value of one of ``names`` (``NAME=…``, ``"NAME": "…"``) is masked unseen.
    """
    lines = {line.strip() for value in secrets for line in value.splitlines()}
    for value in sorted(lines, key=len, reverse=True):
        if len(value) >= SHORTEST:
            text = text.replace(value, MASK)
    listed = "|".join(map(re.escape, sorted(names)))
    return re.sub(_PRINTED.format(names=listed), rf"\1{MASK}", text) if listed else text


_PRINTED = r"""((?<![A-Za-z0-9_])(?:{names})["']?\s*[=:]\s*)(?:"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|.+)"""
"""A variable as programs print it: quoted, or up to the end of the line."""


def masked(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """A flag and its values, these hidden when they are secret."""
    if len(tokens) > 1 and is_secret_name(canonical(tokens[0])):
        return (tokens[0], MASK)
    return tuple(map(starred, tokens))


def masked_row(row: str) -> str:
    """A line of a home's file with every secret in it starred out, each as long as it was: columns stay true."""

    def key(match: re.Match[str]) -> str:
        name, value = match[1], match[3]
        if name == _REFERENCE or not is_secret_name(name):
            return match[0]
        return f"{name}{match[2]}{value[0]}{_stars(value[1:])}"

    def bare(match: re.Match[str]) -> str:
        return match[0] if match[1] == _REFERENCE else match[1] + match[2] + _stars(match[3])

    def flag(match: re.Match[str]) -> str:
        return match[1] + match[2] + _stars(match[3]) if is_secret_name(canonical(match[1])) else match[0]

    return _FLAG.sub(flag, _BARE.sub(bare, _KEY.sub(key, starred(row))))


_KEY = re.compile(r"""(?<![\w-])([\w-]+)(["']?\s*=\s*)("(?:\\.|[^"\\])*|'[^']*)""")
_BARE = re.compile(
    rf"""(?<![\w-])((?!-)[\w-]*(?:{"|".join(_ENDINGS)}))(["']?\s*=\s*)([^\s"'{{\[#,}}][^#,}}]*)""", re.IGNORECASE
)
"""A value without quotes is none, but its line is shown with the message that says so."""
_FLAG = re.compile(r"""(?<![\w-])(--?[A-Za-z][\w-]*)([ =]+)(.*?)(?=\s--?[A-Za-z]|$)""")
"""A flag's values may be quoted in any way inside a quoted text, so they end where the next flag begins."""


def _stars(text: str) -> str:
    return "*" * len(text)
