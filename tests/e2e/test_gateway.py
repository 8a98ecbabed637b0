"""One address for every model: the official client, a real llama.cpp, and servers that are told to misbehave."""

import contextlib
import http.client
import json
import os
import signal
import threading
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.e2e.awaited import all_ready, container_id, converged, until_event
from tests.images import gguf
from tests.support.operator_process import OperatorProcess

CHAT = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "w1"}]


def client(operator: OperatorProcess) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"http://{operator.listen}/v1", api_key="none", max_retries=0, timeout=60)


@contextlib.contextmanager
def asking(operator: OperatorProcess, path: str, body: dict[str, Any]) -> Iterator[http.client.HTTPResponse]:
    """A request whose connection ends with the block, answered or not."""
    connection = http.client.HTTPConnection(operator.listen, timeout=60)
    with contextlib.closing(connection):
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        yield connection.getresponse()


def failure(operator: OperatorProcess, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any], str | None]:
    with asking(operator, path, body) as answer:
        return answer.status, json.loads(answer.read())["error"], answer.headers["Retry-After"]


@pytest.fixture
def real(llamas: OperatorProcess) -> OperatorProcess:
    """The same, started and Ready."""
    llamas.start()
    llamas.until(lambda slots: len(slots) == 3 and all_ready(slots))
    return llamas


def test_the_official_client_talks_to_every_slot(real: OperatorProcess) -> None:
    ask = client(real)
    assert {model.id for model in ask.models.list()} == {"chat", "embed", "rerank"}
    assert ask.models.retrieve("hal0/chat").id == "chat"
    four: dict[str, Any] = {"messages": HELLO, "max_tokens": 4, "extra_body": {"ignore_eos": True}}
    whole = ask.chat.completions.create(model="chat", **four)
    assert whole.usage is not None
    assert whole.usage.completion_tokens == 4
    pieces = list(ask.chat.completions.create(model="hal0/chat", **four, stream=True))
    assert pieces[-1].choices[0].finish_reason == "length"
    assert len(ask.embeddings.create(model="embed", input="w1 w2").data[0].embedding) == gguf.WIDTH
    with asking(real, "/v1/rerank", {"query": "w1", "documents": ["w2", "w3"]}) as ranked:
        assert {row["index"] for row in json.loads(ranked.read())["results"]} == {0, 1}
    with pytest.raises(openai.NotFoundError) as unknown:
        ask.chat.completions.create(model="chta", messages=HELLO)
    assert unknown.value.code == "slot.unknown"
    assert "chat" in str(unknown.value)
    assert 'hal0_gateway_requests_total{code="200",route="/v1/embeddings",slot="embed"}' in real.get("/metrics")


def test_a_real_server_stops_generating_when_its_client_goes(real: OperatorProcess) -> None:
    body = {"model": "chat", "messages": HELLO, "max_tokens": 100_000, "stream": True, "ignore_eos": True}
    with asking(real, CHAT, body) as answer:
        assert answer.readline().startswith(b"data:")
        assert generating(real)
        left = time.monotonic()
    while generating(real):
        assert time.monotonic() < left + 2, "it goes on although nobody listens"
    connection = http.client.HTTPConnection(real.listen, timeout=60)
    connection.request("POST", CHAT, json.dumps(body | {"stream": False}), {"Content-Type": "application/json"})
    until_generating(real)
    connection.close()
    left = time.monotonic()
    while generating(real):
        # asked directly it takes two seconds as well: it looks for its client now and then only
        assert time.monotonic() < left + 8, "nor when nothing was streamed"


def until_generating(operator: OperatorProcess) -> None:
    end = time.monotonic() + 10
    while not generating(operator):
        assert time.monotonic() < end


def generating(operator: OperatorProcess) -> bool:
    port = operator.home.ports[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/slots", timeout=30) as answer:
        return any(slot["is_processing"] for slot in json.load(answer))


def test_slots_that_cannot_answer_say_why(running: OperatorProcess) -> None:
    converged(running)
    running.home.slot("code", enabled=False)
    wrong = {"bad2": 'devcie = "cpu"\n', "bad3": 'device = "cpu\n'}
    for slot, text in wrong.items():
        running.home.save(f"slots/{slot}.toml", text)
    running.until(lambda slots: slots["code"]["phase"] == "Off" and {"bad2", "bad3"} <= slots.keys())
    for slot in wrong:
        for path in (CHAT, "/v1/embeddings"):
            status, error, retry = failure(running, path, {"model": slot})
            assert (status, error["code"], retry) == (503, "slot.denied", None)
            assert f"slots/{slot}.toml:1:" in error["message"]
    assert {model["id"] for model in running.get("/v1/models")["data"]} == {"chat", "code", "util", "bad2", "bad3"}
    status, error, retry = failure(running, CHAT, {"model": "code", "messages": HELLO})
    assert (status, error["code"], retry) == (503, "slot.disabled", None)
    status, error, retry = failure(running, CHAT, {"model": "nope", "messages": HELLO})
    assert (status, error["code"]) == (404, "slot.unknown")
    status, error, _ = failure(running, "/v1/embeddings", {"model": "chat", "input": "x"})
    assert (status, error["code"]) == (400, "request.invalid")
    with asking(running, CHAT, {"model": "chat", "messages": HELLO}) as answer:
        assert answer.status == 200
        assert json.loads(answer.read())["choices"]


def test_a_server_that_dies_in_a_stream_ends_it_with_an_error(running: OperatorProcess) -> None:
    running.stub("chat", chunks=50, chunk_ms=5, die_after_chunks=3)
    with asking(running, CHAT, {"model": "chat", "messages": HELLO, "stream": True}) as answer:
        lines = [line for line in answer.read().decode().split("\n\n") if line]
    assert json.loads(lines[-1].removeprefix("data: "))["error"]["code"] == "upstream.failed"
    assert "[DONE]" not in "".join(lines)
    running.until_phase("chat", "Ready")


def test_a_swap_lets_every_request_under_way_end(running: OperatorProcess) -> None:
    """Whoever asks meanwhile is told to come again."""
    converged(running)
    running.stub("chat", chunks=20, chunk_ms=50)
    body = {"model": "chat", "messages": HELLO, "stream": True}
    before = running.cid("chat")
    with asking(running, CHAT, body) as answer:
        assert answer.readline().startswith(b"data:")
        running.home.slot("chat", model={"default": "m.gguf", "context_size": 2048})
        text = answer.read().decode()
    assert text.endswith("data: [DONE]\n\n")
    running.until(lambda slots: all_ready(slots) and container_id(slots["chat"]) not in ("", before))


def test_an_answer_that_outlasts_the_drain_is_told_that_its_container_is_being_replaced(
    running: OperatorProcess,
) -> None:
    converged(running)
    running.stub("chat", chunks=400, chunk_ms=50)
    with asking(running, CHAT, {"model": "chat", "messages": HELLO, "stream": True}) as answer:
        assert answer.readline().startswith(b"data:")
        running.home.slot("chat", model={"default": "m.gguf", "context_size": 2048})
        error = json.loads(answer.read().decode().rstrip().rpartition("data: ")[2])["error"]
    assert error["code"] == "upstream.failed"
    assert error["details"]["reason"].endswith("(hal0-chat is being replaced)")
    running.until(all_ready)
    assert 'hal0_gateway_requests_total{code="502",route="/v1/chat/completions",slot="chat"} 1' in running.get(
        "/metrics"
    )


def test_no_answer_is_lost_while_slots_are_swapped_all_the_time(running: OperatorProcess) -> None:
    converged(running)
    over = threading.Event()
    seen: list[tuple[int, str]] = []

    def ask() -> None:
        while not over.is_set():
            with asking(running, CHAT, {"model": "chat", "messages": HELLO}) as answer:
                found = json.loads(answer.read())
                seen.append((answer.status, found.get("error", {}).get("code", "")))

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for each in clients:
        each.start()
    for size in (2048, 4096, 2048):
        before = running.cid("chat")
        running.home.slot("chat", model={"default": "m.gguf", "context_size": size})
        running.until(lambda slots, before=before: all_ready(slots) and container_id(slots["chat"]) not in ("", before))
    over.set()
    for each in clients:
        each.join()
    assert {status for status, _ in seen} <= {200, 503}
    assert {code for _, code in seen} <= {"", "slot.not_ready"}
    assert sum(status == 200 for status, _ in seen) > 10


def test_a_slot_on_demand_loads_at_a_request_and_goes_when_nobody_asks(operator: OperatorProcess) -> None:
    operator.home.profile("slow", env={"STUB_READY_AFTER": "1"})
    operator.home.slot("code", profile="slow", idle_timeout_s=1, operator={"load": "on-demand"})
    operator.start()
    operator.until(lambda slots: slots["code"]["phase"] == "Idle" and slots["chat"]["phase"] == "Ready")
    assert operator.hal0ctl("apply", "--wait", "--timeout=20").returncode == 0, "Idle is satisfied"
    assert "hal0-code" not in operator.cids()
    with asking(operator, CHAT, {"model": "code", "messages": HELLO}) as answer:
        assert answer.status == 200
        assert json.loads(answer.read())["choices"]
    until_event(operator, lambda event: event["slot"] == "code" and event["reason"] == "Ready")
    operator.until_phase("code", "Idle")
    operator.until(lambda slots: slots["code"]["container"] is None)
    body = {"model": "code", "messages": HELLO, "stream": True}
    with asking(operator, CHAT, body) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.read().decode().endswith("data: [DONE]\n\n")


def test_a_request_right_after_a_death_is_told_to_come_again(running: OperatorProcess) -> None:
    for _ in range(3):
        running.until_phase("chat", "Ready")
        os.kill(running.container_pid("chat"), signal.SIGKILL)
        with asking(running, CHAT, {"model": "chat", "messages": HELLO}) as answer:
            found = json.loads(answer.read())
            assert answer.status in (200, 503), found
            if answer.status == 503:
                assert found["error"]["code"] == "slot.not_ready"
                assert answer.headers["Retry-After"]


def test_no_round_of_idle_stop_against_request_is_lost(operator: OperatorProcess) -> None:
    """The request comes within milliseconds of the instant at which the slot's time is over."""
    idle_s = 0.4
    operator.home.slot("code", idle_timeout_s=idle_s, operator={"load": "on-demand"})
    operator.start()
    operator.until_phase("code", "Idle")
    pause = threading.Event()
    for number in range(12):
        with asking(operator, CHAT, {"model": "code", "messages": HELLO}) as answer:
            found = json.loads(answer.read())
            assert answer.status == 200, (number, found)
        pause.wait(idle_s + (number - 6) / 1000)
    operator.until_phase("code", "Idle")


def test_health_that_lies_is_not_believed(operator: OperatorProcess) -> None:
    operator.configure(probe={"answer_s": 0.5}, loop={"restart_on_no_progress": True})
    operator.start()
    operator.until(all_ready)
    before = operator.cid("chat")
    operator.stub("chat", hang=CHAT)
    for _ in range(3):
        status, error, _ = failure(operator, CHAT, {"model": "chat", "messages": HELLO})
        assert (status, error["code"]) == (504, "upstream.failed")
    until_event(operator, lambda event: event["reason"] == "NoProgress" and event["slot"] == "chat")
    operator.until(lambda slots: all_ready(slots) and container_id(slots["chat"]) not in ("", before))


def test_an_operator_that_ends_waits_for_short_answers_and_ends_long_ones_honestly(running: OperatorProcess) -> None:
    converged(running)
    running.stub("chat", chunks=400, chunk_ms=50)
    running.stub("code", chunks=4, chunk_ms=100)
    body = {"messages": HELLO, "stream": True}
    with (
        asking(running, CHAT, body | {"model": "chat"}) as long,
        asking(running, CHAT, body | {"model": "code"}) as short,
    ):
        assert long.readline().startswith(b"data:")
        assert running.stop() == 0
        assert short.read().decode().endswith("data: [DONE]\n\n")
        last = long.read().decode().rstrip().rpartition("data: ")[2]
    assert json.loads(last)["error"]["code"] == "slot.not_ready"
    assert "Traceback" not in running.said()
