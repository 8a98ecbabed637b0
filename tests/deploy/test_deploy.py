"""What stands in deploy/ is valid, and speaks of things that this release has."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hal0_operator.cli.verbs import VERBS
from hal0_operator.loop.metrics import NAMES
from hal0_operator.model.status import PHASES

CHECKOUT = Path(__file__).parents[2]
DEPLOY = CHECKOUT / "deploy"
PROMETHEUS = DEPLOY / "prometheus"


def run(*words: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    assert shutil.which(words[0]), f"{words[0]} is missing: deploy/setup test gets it"
    return subprocess.run(words, cwd=cwd, env=os.environ | env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "words",
    [("check", "config", "scrape.yml"), ("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")],
    ids=" ".join,
)
def test_promtool_accepts(words: tuple[str, ...]) -> None:
    done = run("promtool", *words, cwd=PROMETHEUS)
    assert done.returncode == 0, done.stdout + done.stderr


def texts() -> dict[str, str]:
    return {
        path.name: path.read_text()
        for path in [*DEPLOY.rglob("*.yml"), *DEPLOY.rglob("*.json"), *DEPLOY.rglob("*.service")]
    }


def test_every_metric_in_deploy_is_exported() -> None:
    used = {name for text in texts().values() for name in re.findall(r"\bhal0_[a-z_]+", text)}
    exported = {name + suffix for name in NAMES for suffix in ("", "_sum", "_count")}
    assert used
    assert used <= exported


def test_every_phase_in_the_alerts_exists() -> None:
    used = {phase for text in texts().values() for phase in re.findall(r'phase="(\w+)"', text)}
    assert used
    assert used <= set(PHASES)


def test_every_alert_is_tested_to_fire() -> None:
    alerts = set(re.findall(r"- alert: (\w+)", (PROMETHEUS / "alerts.yml").read_text()))
    fired = set(re.findall(r"alertname: (\w+)\n\s+exp_alerts:\n", (PROMETHEUS / "alerts_test.yml").read_text()))
    assert alerts == fired


def test_every_command_that_deploy_names_is_a_verb() -> None:
    used = {verb for text in texts().values() for verb in re.findall(r"hal0ctl ([a-z]+)", text)}
    assert used
    assert used <= set(VERBS)


@pytest.mark.parametrize("unit", ["hal0-operator.service", "user/hal0-operator.service"])
def test_systemd_accepts_the_unit(unit: str, tmp_path: Path) -> None:
    text, count = re.subn(
        r"^ExecStart=\S*/hal0ctl",
        f"ExecStart={shutil.which('env')} hal0ctl",
        (DEPLOY / "systemd" / unit).read_text(),
        flags=re.M,
    )
    assert count == 1
    (tmp_path / "hal0-operator.service").write_text(text)
    scope = ["--user"] if unit.startswith("user/") else []
    words = ["systemd-analyze", *scope, "verify", "--man=no", str(tmp_path / "hal0-operator.service")]
    done = run(*words, cwd=tmp_path, XDG_RUNTIME_DIR=str(tmp_path))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
