"""A real drive over a Podman that does at once what it is told."""

from types import SimpleNamespace
from typing import Any

import anyio

from hal0_operator.host.clock import SystemClock
from hal0_operator.loop.drive import Drive
from hal0_operator.model import action as a
from hal0_operator.reconcile.notes import News
from tests.reconcile.turns import Turns


def driven(turns: Turns) -> tuple[Drive, list[News]]:
    async def perform(effect: a.Effect, _cancel: object) -> a.Outcome:
        await anyio.sleep(0)
        return turns.answer(effect) or turns.well(effect)

    hands: Any = SimpleNamespace(perform=perform, procs=SimpleNamespace(watch=lambda *_: True, alive=lambda _id: False))
    drive = Drive(turns.core, hands, SystemClock())
    news: list[News] = []
    drive.news = news.append
    return drive, news
