"""Which home this is, whatever folder an export of it lies in."""

import posixpath

from hal0_operator.model.digest import digest


def home_id(source: str, configured: str = "") -> str:
    """The id in the settings when there is one, else a digest of where the home was said to be.

    ``source`` is an absolute path as given, or any text that names a remote source.  ``.`` and
    ``..`` are taken out of a path, links are not followed: a flipped link is still the same home.
    """
    if configured:
        return configured
    return digest("home:1", normal(source))


def normal(source: str) -> str:
    """``/etc//hal0/./x/..`` is ``/etc/hal0``; a text that is no absolute path stays as it is."""
    if not source.startswith("/"):
        return source
    return "/" + posixpath.normpath(source).lstrip("/")
