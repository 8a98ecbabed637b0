"""A client of the application without a socket, and one over real ones."""

from collections.abc import Iterator

import httpx2
import pytest

from hal0_operator.model.settings import Settings
from hal0_operator.web.app import build
from tests.support.fake_operator import FakeOperator, slot
from tests.support.served import TOKEN, Served, served


@pytest.fixture
def operator() -> FakeOperator:
    return FakeOperator(slot("chat"), slot("code", "CrashLoop", port=8082, restarts=3))


class Asks:
    """Requests to the application, over TCP unless ``unix``; ``headers`` as given, nothing added but Host."""

    def __init__(self, operator: FakeOperator, settings: Settings = Settings()) -> None:
        self.app = build(operator, TOKEN, settings)

    async def __call__(self, method: str, path: str, *, unix: bool = False, **kwargs: object) -> httpx2.Response:
        async def app(scope: dict, receive: object, send: object) -> None:
            await self.app({**scope, "server": ("/run/x.sock", None) if unix else ("127.0.0.1", 8080)}, receive, send)

        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1:8080"
        ) as client:
            return await client.request(method, path, **kwargs)

    async def write(self, path: str, body: object = None, **headers: str) -> httpx2.Response:
        """A well-formed write over TCP."""
        return await self("POST", path, json=body or {}, headers={"Authorization": f"Bearer {TOKEN}", **headers})


@pytest.fixture
def ask(operator: FakeOperator) -> Asks:
    return Asks(operator)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def live(operator: FakeOperator, tmp_path) -> Iterator[Served]:
    with served(operator, tmp_path) as here:
        yield here
