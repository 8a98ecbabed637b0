"""The problems of one object, collected while its keys are read."""

from typing import Literal

from hal0_operator.desired.names import shown
from hal0_operator.model.problem import KeyPath, ObjectKey, Position, Problem

LIMIT = 100
"""Problems of one file that are listed: nobody reads more, and a hostile file shall not cost more."""


def dotted(path: KeyPath) -> str:
    """``model.context_size``, as messages show a key path."""
    return ".".join(shown(part) for part in path)


class Faults:
    """What is wrong with one object of a file; reading goes on after each fault.

    ``code`` is the code of a fault that has none of its own, ``party`` the object to blame.  ``hinting``
    is switched off where no one will read the hints, which are dear to find.
    """

    def __init__(self, file: str, code: str, party: ObjectKey = "") -> None:
        self.file = file
        self.code = code
        self.parties = (party,) if party else ()
        self.problems: list[Problem] = []
        self.hinting = True

    @property
    def full(self) -> bool:
        """Whether looking for more is a waste."""
        return len(self.problems) > LIMIT

    def value(self, path: KeyPath, message: str, hint: str = "", code: str = "") -> None:
        """A bad value, or a key that is missing."""
        self._add(path, message, hint, code, "value")

    def key(self, path: KeyPath, message: str, hint: str = "", code: str = "") -> None:
        """A key that should not stand there."""
        self._add(path, message, hint, code, "key")

    def at(self, at: Position, message: str, hint: str = "", path: KeyPath = ()) -> None:
        """A fault of the text, where the reader stopped."""
        self._add(path, message, hint, "", "key", at)

    def _add(
        self,
        path: KeyPath,
        message: str,
        hint: str,
        code: str,
        point: Literal["key", "value"],
        at: Position | None = None,
    ) -> None:
        self.problems.append(
            Problem(
                code=code or self.code,
                message=message,
                file=self.file,
                path=path,
                hint=hint,
                point=point,
                at=at,
                parties=self.parties,
            )
        )
