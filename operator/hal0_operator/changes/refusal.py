"""A wish that cannot be."""

from collections.abc import Iterable

from hal0_operator.changes.change_set import ChangeSet
from hal0_operator.model.problem import Problem


class Refusal(Exception):
    """Nothing was written.  ``code`` is dotted; ``problems`` are those that the change would bring, located.

    ``args[0]`` says why and what to do.
    """

    def __init__(self, code: str, message: str, problems: Iterable[Problem] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.problems = tuple(problems)


class Invalid(Refusal):
    """The wish itself is malformed: an unknown key, a bad value."""


class Unknown(Refusal):
    """The wish names something that is not there."""


class ReadOnly(Refusal):
    """The home comes from a git repository, where this is to be committed; ``change_set`` is what."""

    def __init__(self, repository: str, change_set: ChangeSet) -> None:
        files = ", ".join(change_set.files)
        message = f"this home follows {repository} and is never written here: commit this change of {files} there"
        super().__init__("gitops.read_only", message)
        self.change_set = change_set
