"""Readiness probes over HTTP."""

from typing import Protocol

from hal0_operator.model.probe import ProbeResult, ProbeSpec


class Prober(Protocol):
    async def probe(self, spec: ProbeSpec, address: str, once: bool, timeout_s: float) -> ProbeResult:
        """Ask through 127.0.0.1's published port; on failure ask ``address`` directly, when known."""
