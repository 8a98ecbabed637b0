"""A scrape: what it holds, and what it does not keep."""

import shutil
import subprocess

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from hal0_operator.loop.metrics import NAMES
from hal0_operator.loop.remote import SourceFigures
from hal0_operator.loop.view import Figures, GatewayFigures
from hal0_operator.model.settings import GitopsSettings, Settings
from hal0_operator.model.status import PHASES
from tests.support.fake_operator import changed, slot
from tests.web.conftest import Asks

pytestmark = pytest.mark.anyio

FIGURES = Figures(
    reconcile={("acted",): 7, ("waited",): 9},
    reconcile_seconds=(16, 0.5),
    queue_depth=2,
    retries=4,
    denials={("device.unknown",): 1},
    change_sets={("committed",): 2},
    podman_calls={("create", "201"): 2, ("start", "unreachable"): 1},
    podman_seconds={("create",): (2, 1.5)},
    world_age_seconds=3.5,
    drift_repaired={("exited",): 1},
    time_to_ready={("chat",): 8.25, ("gone",): 3.0},
    gateway=GatewayFigures(
        requests={("chat", "/v1/embeddings", "200"): 3},
        first_byte={("chat",): (3, 0.75)},
        tokens={("chat", "completion"): 12},
        in_flight={("chat",): 1},
        queue_depth={("npu",): 2},
        cancelled={("chat",): 1},
        drained={("npu",): 1},
    ),
    source=SourceFigures(
        syncs={("unchanged",): 41, ("no_ref",): 2},
        webhooks={("wrong",): 3},
        age_seconds=61.5,
        commit="c0ffee1234",
        held=True,
    ),
)


@pytest.fixture
def ask(operator):
    return Asks(operator, Settings(gitops=GitopsSettings(url="file:///a", interval_s=3600)))


async def scrape(ask, **headers):
    got = await ask("GET", "/metrics", headers=headers)
    assert got.status_code == 200, got.text
    return got


async def samples(ask):
    families = parse((await scrape(ask)).text)
    return {(s.name, *sorted(s.labels.items())): s.value for family in families for s in family.samples}


async def test_every_metric_is_in_a_scrape_with_its_labels(ask, operator):
    operator.numbers = FIGURES
    found = await samples(ask)
    assert found["hal0_reconcile_total", ("result", "acted")] == 7
    assert found[("hal0_reconcile_duration_seconds_count",)] == 16
    assert found[("hal0_queue_depth",)] == 2
    assert found["hal0_changesets_total", ("result", "committed")] == 2
    assert found["hal0_podman_calls_total", ("status", "201"), ("verb", "create")] == 2
    assert found["hal0_podman_call_duration_seconds_sum", ("verb", "create")] == 1.5
    assert found["hal0_slot_time_to_ready_seconds", ("slot", "chat")] == 8.25
    assert found["hal0_slot_restarts_total", ("slot", "code")] == 3
    requests = (("code", "200"), ("route", "/v1/embeddings"), ("slot", "chat"))
    assert found[("hal0_gateway_requests_total", *requests)] == 3
    assert found["hal0_gateway_first_byte_seconds_sum", ("slot", "chat")] == 0.75
    assert found["hal0_gitops_syncs_total", ("result", "no_ref")] == 2
    assert found["hal0_gitops_webhook_total", ("result", "wrong")] == 3
    assert found[("hal0_gitops_interval_seconds",)] == 3600
    assert found["hal0_gitops_revision_info", ("commit", "c0ffee1234")] == 1
    assert found[("hal0_gitops_age_seconds",)] == 61.5
    assert (found[("hal0_gitops_held",)], found[("hal0_gitops_suspended",)]) == (1, 0)
    assert found["hal0_slot_ready", ("slot", "chat")] == 1
    assert found["hal0_slot_ready", ("slot", "code")] == 0
    assert found["hal0_slot_desired", ("slot", "code")] == 1
    names = {key[0].removesuffix("_count").removesuffix("_sum") for key in found}
    assert names == set(NAMES)


@pytest.mark.parametrize("phase", PHASES)
async def test_exactly_one_phase_of_a_slot_is_one(ask, operator, phase):
    for step in ("Starting", "Ready", "CrashLoop", phase):
        operator.put(changed(operator.listed["chat"], phase=step))
        found = await samples(ask)
        phases = {
            dict(key[1:])["phase"]: value
            for key, value in found.items()
            if key[0] == "hal0_slot_phase" and ("slot", "chat") in key
        }
        assert set(phases) == set(PHASES)
        assert [name for name, value in phases.items() if value == 1] == [step]
        assert sum(phases.values()) == 1


async def test_a_home_that_is_a_folder_has_no_series_of_a_repository(operator):
    assert "hal0_gitops" not in (await scrape(Asks(operator))).text


async def test_a_deleted_slot_leaves_no_series(ask, operator):
    operator.numbers = FIGURES
    assert 'slot="code"' in (await scrape(ask)).text
    operator.drop("code")
    text = (await scrape(ask)).text
    assert 'slot="code"' not in text
    assert 'slot="gone"' not in text


async def test_an_unknown_readiness_is_not_ready(ask, operator):
    operator.put(changed(operator.listed["chat"], conditions=()))
    assert (await samples(ask))["hal0_slot_ready", ("slot", "chat")] == 0


async def test_openmetrics_is_spoken_to_those_who_ask(ask, operator):
    operator.numbers = FIGURES
    got = await scrape(ask, Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert got.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert len(list(parse_openmetrics(got.text))) == len(NAMES)


@pytest.mark.parametrize(
    "accept", ["", "*/*", "text/plain;version=abc", "application/openmetrics-text;version=x.y", "\x01"]
)
async def test_no_accept_header_breaks_a_scrape(ask, accept):
    await scrape(ask, Accept=accept.encode())


async def test_promtool_has_nothing_to_say(ask, operator):
    promtool = shutil.which("promtool")
    assert promtool, "promtool is part of the package prometheus"
    operator.numbers = FIGURES
    operator.put(slot("a_b-c"))
    text = (await scrape(ask)).content
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
