import asyncio

import pytest

from hal0_operator.gateway.connection import Connection
from hal0_operator.gateway.sweep import TICK_S, Sweep
from hal0_operator.gateway.upstream import Pool

pytestmark = pytest.mark.anyio
PORT = 1


async def test_a_burst_finds_all_of_its_connections_and_a_moment_later_only_some() -> None:
    pool = Pool(Sweep(), idle_s=2, idle_most=2)
    kept = [Connection() for _ in range(5)]
    for connection in kept:
        pool.keep(PORT, connection)
    assert pool.used(PORT) is kept[-1]  # the freshest: the others are sooner past their time
    pool.keep(PORT, kept[-1])
    now = asyncio.get_running_loop().time()
    pool.tick(now)
    assert pool.idle(PORT) == 5
    pool.tick(now + TICK_S)
    assert pool.idle(PORT) == 2
    assert [pool.used(PORT), pool.used(PORT)] == kept[:2:-1]


async def test_nothing_is_kept_for_long() -> None:
    pool = Pool(Sweep(), idle_s=2, idle_most=2)
    pool.keep(PORT, Connection())
    now = asyncio.get_running_loop().time()
    pool.tick(now + 1.9)
    assert pool.idle(PORT) == 1
    pool.tick(now + 2.1)
    assert pool.idle(PORT) == 0
    assert pool.used(PORT) is None
