"""What the gateway adds to a request, beside nginx that proxies the same to the same server in the same run."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from tests.bench.gateway_ground import missing, ways
from tests.bench.gateway_load import CONNECTIONS, load, quantile, saturated
from tests.bench.table import Row

RATE = 300


def added(folder: Path, rounds: int, seconds: float) -> Iterator[Row]:
    """Latency through each minus direct, in turns; then both at saturation."""
    if why := missing():
        yield Row("gateway beside nginx", "", why=why)
        return
    with ways(folder) as here:
        figures: dict[tuple[str, str], list[float]] = {}
        for _ in range(rounds):
            for what, connections, rate in (
                ("1 client", 1, 0),
                (f"{CONNECTIONS} connections, {RATE}/s", CONNECTIONS, RATE),
            ):
                taken = {way: asyncio.run(load(port, connections, rate, seconds)) for way, port in here.ports.items()}
                for way in ("gateway", "nginx"):
                    for share, name in ((0.5, "p50"), (0.99, "p99")):
                        more = quantile(taken[way], share) - quantile(taken["direct"], share)
                        figures.setdefault((f"{what}: {name} added", way), []).append(more * 1000)
        for (what, way), values in figures.items():
            target = None if way == "nginx" else 0.4 if "p50" in what else 1.5
            yield Row(f"{way}, {what}", "ms", values, target)
        ratios = []
        for _ in range(rounds):
            ours = saturated(folder, here.ports["gateway"], seconds)
            ratios.append(ours / saturated(folder, here.ports["nginx"], seconds))
        yield Row(
            "gateway ÷ nginx, requests a second at saturation", "× (more is better)", ratios, None, "target ≥ 0.12"
        )
