"""argparse with the operator's manners: did-you-mean, exit 2, and options that can be listed."""

import argparse
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from hal0_operator.cli.output import did_you_mean, neutral

A_YEAR_S = 366 * 24 * 3600
"""What is longer was meant in another unit."""


class Parser(argparse.ArgumentParser):
    """``words`` are the option strings that were added, in order, ``commands`` the verb's own; for completion."""

    def __init__(self, **kwargs: Any) -> None:
        self.words: list[str] = []
        self.commands: list[str] = []
        super().__init__(**kwargs, allow_abbrev=False)

    def add_argument(self, *args: Any, **kwargs: Any) -> argparse.Action:
        action = super().add_argument(*args, **kwargs)
        self.words.extend(action.option_strings)
        return action

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Like the original, but names the nearest option beside an unknown one."""
        parsed, rest = self.parse_known_args(args, namespace)
        if rest:
            unknown = rest[0].split("=", maxsplit=1)[0]
            near = did_you_mean(unknown, self.words) if unknown.startswith("-") else ""
            self.error(f"unexpected {unknown!r}{near}")
        return parsed

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = tuple(action.choices)
            raise argparse.ArgumentError(
                action, f"no {value!r}{did_you_mean(value, known)} (one of {', '.join(known)})"
            )

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {neutral(message)}\n{self.prog} --help tells more\n")


def choice(kind: str, known: Iterable[str]) -> Callable[[str], str]:
    """An argument type: one of ``known``, with the nearest one named when it is not."""
    names = tuple(known)

    def convert(text: str) -> str:
        if text in names:
            return text
        raise argparse.ArgumentTypeError(f"no {kind} {text!r}{did_you_mean(text, names)} (one of {', '.join(names)})")

    return convert


def some_seconds(text: str) -> float:
    """An argument type: a number of seconds from 0 to a year."""
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= A_YEAR_S:  # neither holds for nan
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to {A_YEAR_S}")
    return value


def whole_number(most: int) -> Callable[[str], int]:
    """An argument type: a whole number from 0 to ``most``."""

    def convert(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {most}")
        return int(text)

    return convert
