"""What scenarios wait for beside the statuses that ``OperatorProcess.until`` follows."""

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from tests.support.operator_process import OperatorProcess, Slots


def until_event(
    operator: OperatorProcess, wanted: Callable[[dict[str, Any]], object], seconds: float = 45
) -> dict[str, Any]:
    """The first event, past or coming, for which ``wanted`` holds."""
    end, heard = time.monotonic() + seconds, []
    request = urllib.request.Request(
        f"http://{operator.listen}/api/events?tail=1000", headers={"Accept": "text/event-stream"}
    )
    with urllib.request.urlopen(request, timeout=seconds) as stream:
        try:
            for line in stream:
                if line.startswith(b"data:"):
                    heard.append(json.loads(line[5:]))
                    if wanted(heard[-1]):
                        return heard[-1]
                if time.monotonic() > end:
                    break
        except TimeoutError:
            pass
    shown = "\n".join(f"{event['reason']} {event['slot']}: {event['message']}" for event in heard)
    raise AssertionError(f"no such event within {seconds:g} s:\n{shown}\n{operator.said()}")


def all_ready(slots: Slots) -> bool:
    """Every slot serves what its newest file asks for."""
    return bool(slots) and all(
        slot["phase"] == "Ready"
        and slot["generation"] == slot["observedGeneration"]
        and condition(slot, "Ready").get("status") == "True"
        for slot in slots.values()
    )


def condition(slot: dict[str, Any], type: str) -> dict[str, Any]:
    """The slot's condition of this type, ``{}`` without one."""
    return next((one for one in slot["conditions"] if one["type"] == type), {})


def container_id(slot: dict[str, Any]) -> str:
    return (slot["container"] or {}).get("id", "")


def converged(operator: OperatorProcess, seconds: float = 45) -> dict[str, str]:
    """Name to id of every container, once all slots serve the home as it is now."""
    done = operator.hal0ctl("apply", "--wait", f"--timeout={seconds}")
    assert done.returncode == 0, done.stdout + done.stderr + operator.said()
    return operator.cids()
