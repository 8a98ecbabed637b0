"""How many files and connections this process may have open."""

import resource

ENOUGH = 65_536


def allow_many() -> None:
    """Raise the soft limit as far as the hard one and ``ENOUGH`` go.

    Most services are begun with a soft limit of 1,024 for the sake of ``select``, which nothing here calls.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
