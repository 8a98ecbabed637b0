"""Which home this is, whatever folder an export of it lies in."""

import posixpath
import re

from hal0_operator.model.digest import digest
from hal0_operator.model.settings import GitopsSettings, Settings


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


_USER = re.compile(r"^([a-z][a-z0-9+.-]*://)([^/@]*)@", re.IGNORECASE)


def without_credentials(url: str) -> str:
    """The address of a repository as people may see it: no password, no token, no query."""
    url = url.partition("?")[0].partition("#")[0]
    found = _USER.match(url)
    if found is None:
        return url
    user = f"{found[2].partition(':')[0]}@" if found[1].lower() == "ssh://" else ""
    return f"{found[1]}{user}{url[found.end() :]}"


def repository(gitops: GitopsSettings) -> str:
    """The name of a home in a repository, for ``home_id``: neither branch nor revision, nor how one may spell it."""
    plain = without_credentials(gitops.url).rstrip("/").removesuffix(".git")
    return f"git+{plain}//{gitops.path.strip('/')}"


def identify(settings: Settings, home: str) -> str:
    """The id of the repository's home that the settings name, else of the folder ``home``."""
    return home_id(repository(settings.gitops) if settings.gitops else home, settings.home_id)


def shown(gitops: GitopsSettings) -> str:
    """A home in a repository as it is named to people."""
    return f"{without_credentials(gitops.url)}{f'//{gitops.path}' if gitops.path else ''}"
