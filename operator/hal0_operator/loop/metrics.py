"""A scrape, rendered from what the operator knows now.

Nothing is counted here and nothing is kept: a slot that is gone leaves no series behind, and
of a slot's phases exactly one is 1.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from hal0_operator import __version__
from hal0_operator.loop.remote import SourceFigures
from hal0_operator.loop.view import Figures, GatewayFigures, Operator
from hal0_operator.model.settings import Settings
from hal0_operator.model.status import PHASES, SlotStatus

if TYPE_CHECKING:
    from prometheus_client import Metric

NAMES: dict[str, str] = {
    "hal0_build_info": "The release of the operator; always 1.",
    "hal0_reconcile_total": "Turns of the loop for one slot, by result.",
    "hal0_reconcile_duration_seconds": "Time that turns took to decide.",
    "hal0_queue_depth": "Slots that wait for a turn.",
    "hal0_retries_total": "Turns that came from a pace: restarts, pulls and looks that were repeated.",
    "hal0_slot_ready": "1 when the slot is Ready.",
    "hal0_slot_desired": "1 when the slot is wanted running.",
    "hal0_slot_restarts_total": "Restarts of the slot's container by the operator.",
    "hal0_slot_phase": "1 for the slot's phase, 0 for every other one.",
    "hal0_slot_time_to_ready_seconds": "Time from the last start of the slot's container to Ready.",
    "hal0_admission_denials_total": "Objects denied, by problem code.",
    "hal0_changesets_total": "Change sets of the home's files, by what became of them.",
    "hal0_podman_calls_total": "Calls to Podman, by verb and outcome.",
    "hal0_podman_call_duration_seconds": "Time that calls to Podman took, by verb.",
    "hal0_world_age_seconds": "Age of the last list of containers.",
    "hal0_drift_repaired_total": "Differences that were repaired, by kind.",
    "hal0_gitops_syncs_total": "Looks at the repository, by result: unchanged, changed, or what failed.",
    "hal0_gitops_age_seconds": "Time since the last look at the repository that went well.",
    "hal0_gitops_interval_seconds": "Time between two looks at the repository, as the settings have it.",
    "hal0_gitops_revision_info": "The commit in force, short; always 1.",
    "hal0_gitops_refused": "1 while the newest revision is refused as a whole.",
    "hal0_gitops_suspended": "1 while the repository is not looked at.",
    "hal0_gitops_held": "1 while a rollback holds an earlier revision.",
    "hal0_gitops_webhook_total": "Calls of the webhook, by what became of them.",
    "hal0_gateway_requests_total": "Requests below /v1, by slot, path and status; 499: the client went.",
    "hal0_gateway_first_byte_seconds": "Time from a request to the first byte of its answer.",
    "hal0_gateway_tokens_total": "Tokens that servers said they took, by kind: prompt or completion.",
    "hal0_gateway_in_flight": "Requests that are being answered now.",
    "hal0_gateway_queue_depth": "Requests that wait for their turn on a server that does one at a time.",
    "hal0_gateway_cancelled_total": "Requests whose server was told to stop because the client had gone.",
    "hal0_gateway_drained_total": "Requests whose answers were read to the end unseen: the server bears no cut.",
}
"""Every metric that this module exports, with its help text."""


class Collector:
    """A prometheus collector over an operator and its settings; ``collect`` runs once per scrape."""

    def __init__(self, operator: Operator, settings: Settings) -> None:
        self._operator = operator
        self._settings = settings

    def collect(self) -> "Iterator[Metric]":
        slots = self._operator.slots()
        figures = self._operator.figures()
        yield _gauge("hal0_build_info", [((__version__,), 1)], ("version",))
        yield from _of_loop(figures)
        yield from _of_podman(figures)
        yield from _of_slots(slots, figures)
        yield from _of_gateway(figures.gateway)
        if figures.source is not None:
            yield from _of_source(figures.source)
        if self._settings.gitops is not None:
            yield _gauge("hal0_gitops_interval_seconds", [((), self._settings.gitops.interval_s)])


def render(operator: Operator, settings: Settings, accept: str) -> tuple[bytes, str]:
    """One scrape and its content type: OpenMetrics when ``accept`` asks for it, else the text format."""
    # Imported at the first scrape: an operator that nobody scrapes need not carry the library.
    from prometheus_client import CollectorRegistry, exposition  # noqa: PLC0415
    from prometheus_client.openmetrics import exposition as openmetrics  # noqa: PLC0415

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector(operator, settings))
    if "application/openmetrics-text" in accept:
        encode: Callable[[CollectorRegistry], bytes] = openmetrics.generate_latest
        return encode(registry), openmetrics.CONTENT_TYPE_LATEST
    return exposition.generate_latest(registry), exposition.CONTENT_TYPE_PLAIN_0_0_4


def _of_loop(figures: Figures) -> "Iterator[Metric]":
    yield _counter("hal0_reconcile_total", figures.reconcile.items(), ("result",))
    yield _summary("hal0_reconcile_duration_seconds", [((), figures.reconcile_seconds)])
    yield _gauge("hal0_queue_depth", [((), figures.queue_depth)])
    yield _counter("hal0_retries_total", [((), figures.retries)])
    yield _counter("hal0_admission_denials_total", figures.denials.items(), ("code",))
    yield _counter("hal0_changesets_total", figures.change_sets.items(), ("result",))
    yield _counter("hal0_drift_repaired_total", figures.drift_repaired.items(), ("kind",))


def _of_podman(figures: Figures) -> "Iterator[Metric]":
    yield _counter("hal0_podman_calls_total", figures.podman_calls.items(), ("verb", "status"))
    yield _summary("hal0_podman_call_duration_seconds", figures.podman_seconds.items(), ("verb",))
    yield _gauge("hal0_world_age_seconds", [((), figures.world_age_seconds)])


def _of_slots(slots: Iterable[SlotStatus], figures: Figures) -> "Iterator[Metric]":
    listed = tuple(slots)
    slot = ("slot",)
    yield _gauge("hal0_slot_ready", (((s.name,), _is_ready(s)) for s in listed), slot)
    yield _gauge("hal0_slot_desired", (((s.name,), s.wanted) for s in listed), slot)
    yield _counter("hal0_slot_restarts_total", (((s.name,), s.restarts) for s in listed), slot)
    phases = (((s.name, phase), s.phase == phase) for s in listed for phase in PHASES)
    yield _gauge("hal0_slot_phase", phases, ("slot", "phase"))
    names = {(s.name,) for s in listed}
    times = ((name, seconds) for name, seconds in figures.time_to_ready.items() if name in names)
    yield _gauge("hal0_slot_time_to_ready_seconds", times, slot)


def _of_gateway(figures: GatewayFigures) -> "Iterator[Metric]":
    slot = ("slot",)
    yield _counter("hal0_gateway_requests_total", figures.requests.items(), ("slot", "route", "code"))
    yield _summary("hal0_gateway_first_byte_seconds", figures.first_byte.items(), slot)
    yield _counter("hal0_gateway_tokens_total", figures.tokens.items(), ("slot", "kind"))
    yield _gauge("hal0_gateway_in_flight", figures.in_flight.items(), slot)
    yield _gauge("hal0_gateway_queue_depth", figures.queue_depth.items(), slot)
    yield _counter("hal0_gateway_cancelled_total", figures.cancelled.items(), slot)
    yield _counter("hal0_gateway_drained_total", figures.drained.items(), slot)


def _of_source(figures: SourceFigures) -> "Iterator[Metric]":
    """Of a home that follows git; commits come from the repository, never from who asks."""
    yield _counter("hal0_gitops_syncs_total", figures.syncs.items(), ("result",))
    yield _gauge("hal0_gitops_age_seconds", [((), figures.age_seconds)])
    yield _gauge("hal0_gitops_revision_info", [((figures.commit,), 1)] if figures.commit else [], ("commit",))
    yield _gauge("hal0_gitops_refused", [((), figures.refused)])
    yield _gauge("hal0_gitops_suspended", [((), figures.suspended)])
    yield _gauge("hal0_gitops_held", [((), figures.held)])
    yield _counter("hal0_gitops_webhook_total", figures.webhooks.items(), ("result",))


def _is_ready(status: SlotStatus) -> bool:
    ready = status.condition("Ready")
    return ready is not None and ready.status == "True"


def _gauge(name: str, values: Iterable[tuple[tuple[str, ...], float]], labels: tuple[str, ...] = ()) -> "Metric":
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - see render

    family = GaugeMetricFamily(name, NAMES[name], labels=labels)
    for key, value in values:
        family.add_metric(key, float(value))
    return family


def _counter(name: str, values: Iterable[tuple[tuple[str, ...], float]], labels: tuple[str, ...] = ()) -> "Metric":
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415 - see render

    family = CounterMetricFamily(name, NAMES[name], labels=labels)
    for key, value in values:
        family.add_metric(key, float(value))
    return family


def _summary(
    name: str, values: Iterable[tuple[tuple[str, ...], tuple[int, float]]], labels: tuple[str, ...] = ()
) -> "Metric":
    from prometheus_client.core import SummaryMetricFamily  # noqa: PLC0415 - see render

    family = SummaryMetricFamily(name, NAMES[name], labels=labels)
    for key, (count, seconds) in values:
        family.add_metric(key, count_value=count, sum_value=seconds)
    return family
