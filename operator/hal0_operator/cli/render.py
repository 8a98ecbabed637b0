"""Rows for people, of the operator's JSON."""

from collections.abc import Mapping
from typing import Any

from hal0_operator.cli.output import table
from hal0_operator.cli.problems import human_line

Row = Mapping[str, Any]
"""One object of the API as decoded JSON."""

SLOT_COLUMNS = ("NAME", "PHASE", "TYPE", "DEVICE", "PROFILE", "MODEL", "PORT", "RESTARTS", "WHY")
SLOT_WIDE = (*SLOT_COLUMNS[:-1], "BACKEND", "GENERATION", "OBSERVED", "CONTAINER", "IMAGE", "STARTED", "RETRY", "WHY")
PROFILE_COLUMNS = ("NAME", "FAMILY", "CLASS", "BACKEND", "MTP", "SEED", "SERVES", "BENCH", "USED BY")
PROFILE_WIDE = (*PROFILE_COLUMNS, "IMAGE", "FLAGS")
EVENT_COLUMNS = ("TIME", "TYPE", "REASON", "SLOT", "COUNT", "MESSAGE")
CAPABILITY_COLUMNS = ("CAPABILITY", "ENABLED", "DEVICE", "MODEL", "SLOT", "PHASE")

PHASE_COLOURS = {
    "Ready": "green",
    "Starting": "yellow",
    "Pulling": "yellow",
    "Removing": "yellow",
    "Degraded": "red",
    "Blocked": "red",
    "CrashLoop": "red",
    "Denied": "red",
    "Suspended": "blue",
    "Off": "grey",
    "Idle": "grey",
}


def text(value: Any) -> str:
    """A cell: nothing for ``None``, words for truth values."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value)


def why(slot: Row) -> str:
    """The one line that says why a slot is not simply Ready, or ``""``.

    The first unmet precondition, else a denial, else a named condition, else the pending change, else what Ready
    says: of an idle slot also since when.
    """
    if slot.get("blockedOn"):
        return str(slot["blockedOn"])
    conditions: list[Row] = slot.get("conditions", [])
    by_type = {c["type"]: c for c in conditions}
    if by_type.get("Admitted", {}).get("status") == "False":
        return str(by_type["Admitted"]["message"])
    for condition in conditions:
        if condition["type"] not in ("Admitted", "Ready", "Reconciling") and condition["status"] == "True":
            return str(condition["message"] or condition["reason"])
    if slot.get("diff"):
        return "; ".join(f"{d['field']}: {d['from']} → {d['to']}" for d in slot["diff"])
    ready = by_type.get("Ready", {})
    if ready.get("status") == "True":
        return ""
    since = ready.get("lastTransitionTime") if ready.get("reason") == "Idle" else ""
    return str(ready.get("message", "")) + (f"; idle since {since}" if since else "")


def slot_row(slot: Row, wide: bool) -> list[str]:
    keys = ("name", "phase", "type", "device", "profile", "model", "port", "restarts")
    row = [text(slot.get(key)) for key in keys]
    if wide:
        container = slot.get("container") or {}
        row += [text(slot.get(key)) for key in ("backend", "generation", "observedGeneration")]
        row += [text(container.get("id"))[:12], text(container.get("image")), text(container.get("startedAt"))]
        row.append(text(slot.get("nextRetryAt")))
    return [*row, why(slot)]


def slots(items: list[Row], wide: bool) -> list[str]:
    return table([slot_row(slot, wide) for slot in items], SLOT_WIDE if wide else SLOT_COLUMNS)


def profiles(items: list[Row], wide: bool) -> list[str]:
    rows = []
    for item in items:
        bench = item.get("bench") or {}
        figures = [f"{bench[key]} {unit}" for key, unit in (("tps", "tok/s"), ("rtf", "RTF")) if bench.get(key)]
        keys = ("name", "runtime_family", "device_class", "backend", "mtp", "seed", "slot_types")
        row = [text(item.get(key)) for key in keys]
        row += [", ".join(figures), text(item.get("used_by"))]
        rows.append([*row, text(item.get("image")), text(item.get("resolved_flags"))] if wide else row)
    return table(rows, PROFILE_WIDE if wide else PROFILE_COLUMNS)


def event_row(event: Row) -> list[str]:
    return [text(event.get(key)) for key in ("time", "type", "reason", "slot", "count", "message")]


def events(items: list[Row]) -> list[str]:
    return table([event_row(event) for event in items], EVENT_COLUMNS)


def capabilities(body: Row) -> list[str]:
    rows = [
        [f"{group}.{child}", *(text(entry.get(key)) for key in ("enabled", "device", "model", "slot", "phase"))]
        for group, children in body["selections"].items()
        for child, entry in children.items()
    ]
    return table(rows, CAPABILITY_COLUMNS)


def source(body: Row) -> list[str]:
    keys = ("url", "ref", "path", "attempted", "fetched", "admitted", "applied", "age_seconds", "suspended")
    rows = [[key, text(body.get(key))] for key in keys if body.get(key) not in ("", None)]
    if body.get("revision"):
        revision = body["revision"]
        signed = f", signed by {revision['signer']}" if revision["signer"] else ""
        told = f"{revision['subject']}, by {revision['author']} at {revision['committed_at']}{signed}"
        rows.insert(-2, ["revision", text(told)])
    if body.get("kept"):
        rows.append(["kept", " ".join(commit[:10] for commit in body["kept"])])
    lines = table(rows, ("SOURCE", text(body["kind"])))
    if body.get("conditions"):
        lines += ["", *conditions(body["conditions"])]
    if body.get("problems"):
        lines += ["", *(line for problem in body["problems"] for line in human_line(problem))]
    return lines


def conditions(items: list[Row]) -> list[str]:
    rows = [[text(c.get(k)) for k in ("type", "status", "reason", "lastTransitionTime", "message")] for c in items]
    return table(rows, ("CONDITION", "STATUS", "REASON", "SINCE", "MESSAGE"))
