"""The files that ship with the operator: seed profiles and schemas."""

from importlib.resources import files
from importlib.resources.abc import Traversable

PACKAGE = "hal0_operator"


class NotPackaged(Exception):
    """The installation is incomplete; the message says how to repair it."""


def shipped(folder: str, name: str) -> bytes:
    """``shipped("seeds", "profiles.toml")``; ``folder`` is ``seeds`` or ``crds``.

    A wheel carries them inside the package; a checkout has them at its top.  Raises ``NotPackaged``.
    """
    for place in _places(folder):
        file = place / name
        if file.is_file():
            return file.read_bytes()
    raise NotPackaged(f"{folder}/{name} is missing from this installation of hal0-operator: install it again")


def _places(folder: str) -> tuple[Traversable, ...]:
    package = files(PACKAGE)
    return package / "data" / folder, package / ".." / ".." / folder
