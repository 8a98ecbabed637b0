"""One line of the doctor's report."""

from typing import Literal

import msgspec

Level = Literal["ok", "warn", "fail"]


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """``hint`` says what to do; it is empty where nothing is to be done."""

    subject: str
    level: Level
    message: str
    hint: str = ""


def ok(subject: str, message: str) -> Finding:
    return Finding(subject, "ok", message)


def warn(subject: str, message: str, hint: str) -> Finding:
    return Finding(subject, "warn", message, hint)


def fail(subject: str, message: str, hint: str) -> Finding:
    return Finding(subject, "fail", message, hint)
