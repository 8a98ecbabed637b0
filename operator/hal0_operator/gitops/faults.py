"""What git complains about, as one of the named faults.  git speaks English here: ``LC_ALL`` is ours."""

import re
from typing import NamedTuple

from hal0_operator.gitops.command import scrubbed
from hal0_operator.gitops.process import Answer
from hal0_operator.model.settings import GitopsSettings
from hal0_operator.seams.git import GitFault, GitFaultKind


class Known(NamedTuple):
    kind: GitFaultKind
    pattern: str
    message: str


_TRIED = "it is tried again at the next look"

KNOWN = (
    Known(
        "host_key",
        r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|host key is known",
        "{url}: the server has none of the keys in [gitops] known_hosts ({line}); ask its owner which key is its own, "
        "and put that there",
    ),
    Known(
        "host_key",
        r"SSL certificate problem|server (certificate )?verification failed|certificate subject name|"
        r"no alternative cert",
        "{url}: the server cannot prove who it is ({line}); put its authority among those of this machine",
    ),
    Known(
        "no_repository",
        r"returned error: 3\d\d|unable to update url base",
        "{url} sends whoever asks to another address ({line}), and a token is only sent to the one in the settings: "
        "write the address that it leads to as [gitops] url",
    ),
    Known(
        "too_large",
        r"Out of memory|mmap failed|unable to create thread|cannot be malloced",
        "{url}: what it has takes more memory than git may use ({line}); give homes a repository of their own",
    ),
    Known(
        "local",
        r"No space left on device|Disk quota exceeded|Read-only file system|Input/output error",
        "the clone of {url} cannot be written here: {line}",
    ),
    Known(
        "auth",
        r"Authentication failed|could not read (Username|Password)|terminal prompts disabled|Permission denied \(|"
        r"returned error: 40[137]|Permissions .* too open|bad permissions|Load key|[Aa]ccess denied|"
        r"HTTP Basic: Access denied|invalid credentials|Too many authentication failures|not permitted",
        "{url} does not let this machine in ({line}); the key or token in the settings has no access, or there is no "
        "such repository",
    ),
    Known(
        "no_ref",
        r"mismatched algorithms",
        "{url} counts its commits by another kind of id than the one in the settings ({line}); copy the id from there",
    ),
    Known(
        "no_ref",
        r"not our ref|unadvertised object|[Cc]ouldn't find remote ref|no such remote ref|no matching remote",
        "{url} does not have this commit (any more): the branch was rewritten in between; " + _TRIED,
    ),
    Known(
        "no_repository",
        r"does not appear to be a git repository|[Rr]epository .*not found|returned error: (404|410)|"
        r"[Rr]epository .*does(n't| not) exist|not a git repository|could not be found|"
        r"project you were looking for|not valid: is this a git repository",
        "{url} is not a git repository ({line}); check [gitops] url",
    ),
    Known(
        "unreachable",
        r"[Cc]ould not resolve|[Ff]ailed to connect|Connection (refused|reset|timed out|closed)|No route to host|"
        r"Network is unreachable|hung up|early EOF|kex_exchange|returned error: (5\d\d|429)|Empty reply|RPC failed|"
        r"[Tt]imed? ?out|unexpected disconnect|invalid index-pack output|fetch-pack|Could not read from remote|"
        r"bad (line|pack|band)|protocol error|unable to access|gnutls|SSL|transfer closed",
        "{url} cannot be reached ({line}); " + _TRIED,
    ),
)
"""In this order: the first whose words occur names the fault."""

_OURS = re.compile(r"differ in contents|cannot read existing object|packed object .* is corrupt")
"""What came is here already, and damaged: git compares from version 2.47 on, and ends as if the remote had failed."""

_PREFIX = re.compile(r"^(remote: )?((fatal|error): )?(unable to access '[^']*': )?")
_NOISE = re.compile(r"hint:|warning:|remote: ?$|Cloning|and the repository exists|Please make sure|@@@|Warning: Perm")


def told(answer: Answer, settings: GitopsSettings, secrets: tuple[str, ...]) -> GitFault | None:
    """The fault that a failed call to the remote tells, None where it is none that is known, or the clone's own."""
    if _OURS.search(answer.err):
        return None
    for known in KNOWN:
        found = re.search(known.pattern, answer.err)
        if found:
            line = scrubbed(_line_of(answer.err, found.start()), secrets)
            message = known.message.format(url=settings.url, line=line)
            return GitFault(known.kind, message)
    return None


def oversized(settings: GitopsSettings, fetched: int) -> GitFault:
    """What was fetched came to the bound on its bytes."""
    message = f"{settings.url}: the revision takes more than {fetched >> 20} MiB to fetch"
    return GitFault("too_large", f"{message}; keep homes in a repository of their own")


def unknown(answer: Answer, settings: GitopsSettings, secrets: tuple[str, ...]) -> GitFault:
    """A failure without words that are known: this machine's own, as far as can be told."""
    lines = [line for line in answer.err.splitlines() if line.strip() and not _NOISE.match(line)]
    line = scrubbed(lines[-1] if lines else f"it ended with code {answer.code}", secrets)
    return GitFault("local", f"git failed with {settings.url}: {line}")


def _line_of(text: str, at: int) -> str:
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    return _PREFIX.sub("", text[start : end if end >= 0 else len(text)])
