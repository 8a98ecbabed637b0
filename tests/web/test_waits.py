"""Answers that are waited for while the operator ends."""

import http.client
import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import anyio
import pytest
from starlette.requests import Request

from hal0_operator.model.status import SourceStatus
from hal0_operator.web.answers import Fault
from hal0_operator.web.sse import CLOSING
from hal0_operator.web.waits import in_time
from tests.support.fake_operator import FakeRemote
from tests.support.served import TOKEN, Served


def asked(live: Served, path: str) -> tuple[int, dict]:
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=30)
    try:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        connection.request("POST", path, b"{}", headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())["error"]
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["source/sync", "source/rollback", "reconcile"])
def test_who_waits_while_the_operator_ends_is_told(live, operator, monkeypatch, path) -> None:
    operator.remote = FakeRemote()
    monkeypatch.setattr(operator, "source", lambda: SourceStatus(kind="git", url="file:///a", fetched="c1"))
    waits = threading.Event()

    async def fresh() -> None:
        waits.set()
        await anyio.sleep_forever()

    monkeypatch.setattr(operator, "fresh", fresh)
    with ThreadPoolExecutor(1) as pool:
        answer: Future = pool.submit(asked, live, f"/api/{path}?wait=1")
        assert waits.wait(5)
        live.shut()
        status, error = answer.result(10)
    assert (status, error["code"], error["type"]) == (503, "operator.ending", "server_error")
    assert error["message"].startswith("the operator is ending: ")


def request(closing: anyio.Event) -> Request:
    return Request({"type": "http", CLOSING: closing})


@pytest.mark.anyio
async def test_what_is_done_is_done_and_what_fails_fails_as_it_is() -> None:
    closing = anyio.Event()

    async def good() -> None:
        await anyio.lowlevel.checkpoint()

    async def bad() -> None:
        raise Fault(409, "gitops.suspended", "no")

    await in_time(request(closing), 5, good)
    with pytest.raises(Fault, match="no"):
        await in_time(request(closing), 5, bad)
    with pytest.raises(TimeoutError):
        await in_time(request(closing), 0.01, anyio.sleep_forever)
