"""Scrapes of a real operator, from a slot's first start to its end."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.deploy.test_deploy import run, texts
from tests.e2e.awaited import all_ready, converged
from tests.e2e.repositories import Following
from tests.support.machine import Machine
from tests.support.operator_process import OperatorProcess

SERIES = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")


def scraped(operator: OperatorProcess) -> Iterator[tuple[str, dict[str, str], float]]:
    for line in operator.get("/metrics").splitlines():
        if not line.startswith("#"):
            name, labels, value = SERIES.fullmatch(line).groups()
            yield name, dict(re.findall(r'(\w+)="([^"]*)"', labels or "")), float(value)


def phases(operator: OperatorProcess) -> dict[str, str]:
    """The one phase of each slot that is 1."""
    ones = [(labels["slot"], labels["phase"]) for name, labels, value in scraped(operator) if is_phase(name, value)]
    assert set(Counter(slot for slot, _ in ones).values()) == {1}, ones
    return dict(ones)


def is_phase(name: str, value: float) -> bool:
    assert name != "hal0_slot_phase" or value in (0, 1)
    return name == "hal0_slot_phase" and value == 1


def test_each_slot_has_exactly_one_phase_at_every_scrape_and_no_series_once_it_is_deleted(
    running: OperatorProcess,
) -> None:
    assert phases(running) == dict.fromkeys(("chat", "code", "util"), "Ready")
    assert (
        running.post("/v1/chat/completions", {"model": "chat", "messages": [{"role": "user", "content": "w1"}]}) == 200
    )
    assert any(
        name == "hal0_gateway_requests_total" and labels["slot"] == "chat" for name, labels, _ in scraped(running)
    )
    running.home.profile("slow", env={"STUB_READY_AFTER": "60"})
    running.home.slot("chat", profile="slow", operator={"ready_timeout_s": 600})
    running.until_phase("chat", "Starting")
    assert phases(running)["chat"] == "Starting"
    assert running.post("/api/slots/chat/suspend", {"by": "test", "reason": ""}) == 200
    running.until_phase("chat", "Suspended")
    assert phases(running)["chat"] == "Suspended"
    assert running.post("/api/slots/chat/resume") == 200
    running.home.delete("slots/chat.toml")
    running.until_gone("chat")
    left = [(name, labels) for name, labels, _ in scraped(running) if labels.get("slot") == "chat"]
    assert left == []
    assert phases(running) == dict.fromkeys(("code", "util"), "Ready")


def test_a_slot_that_crashes_is_in_the_phase_of_that_and_counts_its_restarts(operator: OperatorProcess) -> None:
    operator.home.profile("stub", env={"STUB_EXIT_AFTER": "0.05"})
    operator.start()
    operator.until(lambda slots: slots.get("chat", {}).get("phase") == "CrashLoop")
    assert phases(operator)["chat"] == "CrashLoop"
    restarts = {labels["slot"]: value for name, labels, value in scraped(operator) if name.endswith("restarts_total")}
    assert restarts["chat"] >= 2


def test_promtool_accepts_a_real_scrape(running: OperatorProcess) -> None:
    converged(running)
    text = running.folder / "scrape"
    text.write_text(running.get("/metrics"))
    done = run("sh", "-c", "promtool check metrics < scrape", cwd=running.folder)
    assert done.returncode == 0, done.stdout + done.stderr


def of_a_repository(machine: Machine, folder: Path) -> set[str]:
    """What an operator exports whose home is a git repository, after a call of its webhook that is not signed."""
    secret = folder / "secret"
    secret.write_text("wild-rose\n")
    following = Following(machine, webhook_secret_file=str(secret))
    following.push("three slots")
    following.start()
    try:
        following.synced()
        assert following.post("/hooks/git") == 401
        return {name for name, _, _ in scraped(following)}
    finally:
        following.end()


def test_every_metric_of_the_alert_rules_and_the_dashboard_is_in_a_real_scrape(
    running: OperatorProcess, tmp_path: Path
) -> None:
    # some series exist once something happened: a denial, a repair, a restart, a write
    running.home.save("slots/chat.toml", 'device = "gpu-rocmm"\n')
    running.until_condition("chat", "Admitted", "False")
    running.home.slot("chat")
    running.machine.podman("rm", "--force", "--time", "0", "hal0-util")
    running.until(all_ready)
    converged(running)
    assert running.hal0ctl("slot", "edit", "util", "--set", "idle_timeout_s=9").returncode == 0
    exported = {name for name, _, _ in scraped(running)}
    running.stop()
    running.machine.wipe()
    exported |= of_a_repository(running.machine, tmp_path)
    used = {name for text in texts().values() for name in re.findall(r"\bhal0_[a-z_]+", text)}
    assert used and used <= exported, used - exported
