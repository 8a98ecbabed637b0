"""``hal0ctl explain``: what a problem code, a condition or a phase means, and what to do."""

import argparse
import inspect
import sys

from hal0_operator.admission.rules import CODES
from hal0_operator.cli.options import Failed, Paths
from hal0_operator.cli.output import did_you_mean, write_line
from hal0_operator.model.status import NAMED, PHASES

PHASE_TEXTS: dict[str, str] = {
    "Suspended": "The operator keeps its hands off. `hal0ctl resume SLOT`, or `[operator] suspend` in the slot file.",
    "Denied": "The slot's file is refused and no earlier version of it was ever in force. `hal0ctl describe SLOT`.",
    "Ready": "A probe passed on the container that runs.",
    "Degraded": "The container serves, but a part of it does not: see the conditions.",
    "Off": "Nothing is wanted: the slot is disabled, or has no model where its runtime needs one (NoModel).",
    "Idle": 'Loaded at the next request: the slot has `load = "on-demand"`.',
    "Pulling": "Its image is being pulled.",
    "Blocked": "Something outside is in the way, such as a port, a device node or a model file; it is looked at again.",
    "CrashLoop": "It ended twice in a row and is restarted ever more slowly. `hal0ctl logs --previous SLOT`.",
    "Starting": "The container is being made, or has not yet passed a probe.",
    "Removing": "The slot is gone from the home and its container is being removed.",
}

CONDITION_TEXTS = {
    "Admitted": "Whether the slot's file is in force as it is; the reason of False is a problem code.",
    "Reconciling": "Whether something is being done, or about to be.",
    "Stalled": "Whether something has to change outside before anything more can be done.",
    **{name: f"{meaning[:1].upper()}{meaning[1:]}." for name, meaning in NAMED.items()},
}

REFUSALS = {
    "slot.not_ready": "The slot that serves the request is not Ready; Retry-After says when waiting helps.",
    "slot.disabled": "The slot that serves the request is off: `hal0ctl slot edit SLOT --enable` switches it on.",
    "slot.denied": "The slot's file is refused and no earlier version was ever in force. `hal0ctl describe SLOT`.",
    "npu.trio_unavailable": "The NPU slot that serves it is not Ready, or runs without the record's flag: see both.",
    "slot.unknown": "There is no slot of that name; `hal0ctl get slots` lists them.",
    "slot.shadow": "A record that rides in the NPU slot's process has no container of its own: name the NPU slot.",
    "slot.suspended": "A slot that is left alone is not restarted either: resume it, or mend what denies it, first.",
    "slot.no_previous": "No earlier container of the slot has ended since its log was last forgotten.",
    "slot.no_container": "The slot has no container now.",
    "home.busy": "The home is being written by somebody else, or git is at work in it: try again in a moment.",
    "gitops.read_only": "The home follows a git repository: commit the diff that is shown there, and push.",
    "gitops.not_followed": "The home is a folder; a `[gitops]` table in the settings makes it follow a repository.",
    "gitops.suspended": "The repository is not looked at; `hal0ctl resume --source` looks at it again.",
    "gitops.unknown_revision": "Only revisions that are kept can be gone back to; `hal0ctl get source` lists them.",
    "gitops.refused": "A link or an entry of the revision cannot be taken; the message says which: mend it and push.",
    "gitops.too_large": "The revision has more, or larger, files than a home may have.",
    "gitops.unverified": "The commit bears no signature of somebody whom the settings trust.",
    "gitops.no_path": "The revision has no folder where `[gitops] path` says that the home is.",
    "gitops.no_previous": "No revision that was in force before is kept: name one, or revert the commit and push.",
    "auth.signature_invalid": "A call of the webhook bore no signature, or not that of webhook_secret_file's secret.",
    "prune.nothing_held": "No removal is held, so there is none to approve.",
    "podman.unavailable": "Podman does not answer; `hal0ctl doctor` says more.",
    "operator.ending": "The operator ends, and waits for nothing any more: ask again once it runs again.",
    "state.unwritable": "The state directory cannot be written; nothing was changed.",
    "source.busy": "The home was not read in time, or no revision of the repository is here yet: `hal0ctl get source`.",
    "upstream.failed": "The slot's container took the request and did not answer it: `hal0ctl logs SLOT`.",
    "auth.key_missing": "Without `api_key_file` in the settings `/v1` is open to this machine alone.",
    "auth.key_invalid": "A request below `/v1` bore no key, or not that of `api_key_file`.",
    "auth.token_missing": "A write over TCP bears the token that is in the state directory's file `token`.",
    "auth.token_invalid": "The token of a write is not the operator's; the socket file needs none.",
    "host.invalid": "A request bears exactly one well-formed Host header.",
    "host.forbidden": "The Host header names another machine: use localhost, or add the name to `allowed_hosts`.",
    "origin.forbidden": "A page of another origin may not write here, nor ask a model.",
    "request.invalid": "The body, a parameter or a header is not what the address takes; the message says which.",
    "request.content_type": "A write over TCP says `Content-Type: application/json`, also without a body.",
    "request.incomplete": "The connection ended before the body did.",
    "request.limited": "Calls of the webhook come too often; the repository is looked at all the same.",
    "request.method": "The address does not take this method; `Allow` says which it does.",
    "request.not_found": "There is nothing at this address; `/api/openapi.json` lists what there is.",
    "request.not_implemented": "An address of OpenAI's interface that no slot answers.",
    "request.stale": "`If-Match` names a version that is not the newest: read the object again, then decide.",
    "request.timeout": "The body came too slowly.",
    "request.too_large": "The body is larger than what the address takes.",
    "internal": "A defect of the operator: its log says where; what is in force goes on.",
}
"""Codes of requests and wishes that cannot be; their messages say the rest."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("word", metavar="WORD", nargs="?", help="a code, condition or phase; all are listed without")


def run(args: argparse.Namespace, paths: Paths) -> int:
    """Print it; 0."""
    del paths
    if args.word is None:
        _list()
        return 0
    word = _known(args.word)
    texts = [text for table in (_codes(), CONDITION_TEXTS, PHASE_TEXTS, REFUSALS) if (text := table.get(word))]
    sys.stdout.write(f"{word}\n\n" + "\n\n".join(texts) + "\n")
    return 0


def camel(code: str) -> str:
    """``NpuExclusive``: a code as it stands in the reason of a condition."""
    return "".join(part.capitalize() for part in code.replace(".", "_").split("_"))


def _codes() -> dict[str, str]:
    return {code: inspect.cleandoc(rule.text or "") for code, rule in CODES.items()}


def _known(word: str) -> str:
    """The word as it is listed, in any case; a reason stands for its code."""
    words = {name.casefold(): name for name in (*CODES, *REFUSALS, *CONDITION_TEXTS, *PHASES)}
    reasons = {camel(code).casefold(): code for code in (*CODES, *REFUSALS)}
    found = {**reasons, **words}.get(word.casefold())
    if found is None:
        raise Failed(
            f"nothing is called {word!r}{did_you_mean(word, words.values())}\nhal0ctl explain lists what there is"
        )
    return found


def _list() -> None:
    first = {**{code: text.splitlines()[0] for code, text in _codes().items()}, **REFUSALS}
    for title, table in (("Problem codes", first), ("Conditions", CONDITION_TEXTS), ("Phases", PHASE_TEXTS)):
        write_line(f"{title}:")
        for word, text in sorted(table.items()):
            write_line(f"  {word:<26}{text}")
