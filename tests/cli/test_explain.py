"""``explain`` knows every code that somebody can be answered."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import hal0_operator
from hal0_operator.admission.rules import CODES
from hal0_operator.cli.explain import REFUSALS

PACKAGE = Path(hal0_operator.__file__).parent
ANSWERS = {"Fault", "Failure", "Refused", "Refusal", "Invalid", "Unknown", "__init__"}
"""What an answer that is none is made of; its code is one of the first two arguments."""


def answered() -> Iterator[str]:
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and _name(node.func) in ANSWERS:
                yield from (argument.value for argument in node.args[:2] if _is_code(argument))


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is_code(argument: ast.expr) -> bool:
    value = argument.value if isinstance(argument, ast.Constant) else None
    return isinstance(value, str) and (value == "internal" or re.fullmatch(r"[a-z]+\.[a-z_]+", value) is not None)


def test_every_code_of_an_answer_is_explained() -> None:
    found = set(answered())
    assert {"source.busy", "gitops.read_only", "upstream.failed", "slot.no_previous", "internal"} <= found
    assert found - CODES.keys() - REFUSALS.keys() == set()


@pytest.mark.parametrize("word", ["source.busy", "SourceBusy", "operator.ending", "internal"])
def test_a_code_of_an_answer_is_told(hal0ctl, word) -> None:
    ran = hal0ctl("explain", word)
    assert (ran.code, ran.err) == (0, "")
    assert len(ran.out.splitlines()) == 3


def test_no_code_has_two_texts() -> None:
    assert not CODES.keys() & REFUSALS.keys()
