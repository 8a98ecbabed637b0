"""Keys that hal0 knew and that have no effect here.

They are accepted so that a home of hal0 can be used as it is, but nothing depends on them.  Other unknown
keys are errors.

Example: `workers = 4`, `pinned = true`, `[model] labels = [...]`.

Fix: remove them, or leave them if hal0 still reads the same home.
"""

from collections.abc import Iterator

from hal0_operator.admission.view import Case
from hal0_operator.model.problem import Problem

CODE = "slot.key_ignored"


_SHADOWED = "model.context_size"
"""Ignored only where `ctx_size` stands beside it."""


def check(case: Case) -> Iterator[Problem]:
    ignored = [key for key in case.declared.ignored if key != _SHADOWED]
    if len(ignored) < len(case.declared.ignored):
        message = "`model.context_size` has no effect: `model.ctx_size` stands beside it and is the stronger one"
        yield case.warning(CODE, ("model", "context_size"), message, "keep one of them", point="key")
    if ignored:
        yield case.warning(
            CODE,
            tuple(ignored[0].split(".")),
            f"without effect here: {', '.join(f'`{key}`' for key in ignored)}",
            "remove what you do not need for hal0 itself",
            point="key",
        )
