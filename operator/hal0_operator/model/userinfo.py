"""Names and passwords that stand in addresses, and how they are kept out of what is shown."""

import re
from collections.abc import Iterator

_RUN = re.compile(r"""(?<![^\s"'`<>])[^\s"'`<>]*@(?!sha(?:256|512):)""")
"""What may be one address, up to the last `@` that ends a user: an image's digest follows one too."""

_LEAD = re.compile(r".*[=,;(\[{|]", re.DOTALL)
"""What comes before an address in the same word, as in `--url=`."""

_NO_PASSWORD = re.compile(r"(?:.*[^A-Za-z0-9+.-])?(?:git\+)?ssh://[^:/@]*@", re.DOTALL | re.IGNORECASE)
"""ssh takes no password from an address, and a user's name alone is none."""


def starred(text: str) -> str:
    """``text`` with a star for each character before the `@` of an address, so that columns stay true.

    ``https://me:word@host`` and ``me:word@host`` alike.  What is no proper address is starred up to its last `@`:
    a password may hold what no address may.
    """
    return _RUN.sub(_star, text) if "@" in text else text


def parts(text: str) -> Iterator[str]:
    """What ``starred`` hides."""
    for run in _RUN.findall(text) if "@" in text else ():
        if hidden := run[_start(run) : -1]:
            yield hidden


def _star(match: re.Match[str]) -> str:
    run = match[0]
    start = _start(run)
    return run[:start] + "*" * (len(run) - 1 - start) + "@"


def _start(run: str) -> int:
    """Where what is hidden begins; at the `@` itself where there is no password."""
    end = len(run) - 1
    scheme = run.find("://")
    if scheme >= 0:
        return end if _NO_PASSWORD.fullmatch(run) else scheme + len("://")
    colon = run.find(":")
    if colon < 0:
        return end
    lead = _LEAD.match(run, 0, colon)
    return lead.end() if lead else 0
