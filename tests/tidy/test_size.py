"""Files, functions and parameter lists stay small enough to be read at one go."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SOURCES = sorted((CHECKOUT / "operator/hal0_operator").rglob("*.py")) + sorted((CHECKOUT / "deploy").rglob("*.py"))
FILE, FUNCTION, PARAMETERS = 300, 60, 7

EXCEPTIONS: dict[str, str] = {}
"""``path`` or ``path:function`` to why it may be larger.  The list may only shrink."""


def oversized() -> Iterator[tuple[str, str]]:
    """(what, how large) for everything above a limit."""
    for path in SOURCES:
        name, text = str(path.relative_to(CHECKOUT)), path.read_text()
        lines = text.count("\n")
        if lines > FILE:
            yield name, f"{lines} lines, {FILE} allowed"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from ((f"{name}:{node.name}", size) for size in _too_large(node))


def _too_large(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if lines > FUNCTION:
        yield f"{lines} lines, {FUNCTION} allowed"
    taken = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    count = len([argument for argument in taken if argument.arg not in {"self", "cls"}])
    if count > PARAMETERS:
        yield f"{count} parameters, {PARAMETERS} allowed"


def test_nothing_grows_beyond_the_limits() -> None:
    found = {what: size for what, size in oversized() if what not in EXCEPTIONS}
    assert found == {}


def test_every_exception_is_still_needed() -> None:
    assert set(EXCEPTIONS) <= {what for what, _ in oversized()}


def test_the_limits_are_seen_to_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = tmp_path / "large.py"
    body = "\n".join(f"    x = {n}" for n in range(FUNCTION + FILE))
    large.write_text(f"def f(a, b, c, d, e, f, g, h):\n{body}\n")
    monkeypatch.setitem(globals(), "SOURCES", [large])
    monkeypatch.setitem(globals(), "CHECKOUT", tmp_path)
    assert [what for what, _ in oversized()] == ["large.py", "large.py:f", "large.py:f"]
