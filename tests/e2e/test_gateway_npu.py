"""The NPU's three roles through one address, with a simulator of FLM."""

import http.client
import json
import threading
import time
from typing import Any

import pytest

from tests.e2e.awaited import all_ready, container_id, until_event
from tests.e2e.test_gateway import HELLO, asking, failure
from tests.e2e.test_npu import TAG, npu, shadow  # noqa: F401 - a fixture
from tests.support.operator_process import OperatorProcess

CHAT, EMBED, SPEECH = "/v1/chat/completions", "/v1/embeddings", "/v1/audio/transcriptions"


@pytest.fixture
def trio(npu: OperatorProcess) -> OperatorProcess:  # noqa: F811
    npu.start()
    npu.until(lambda slots: len(slots) == 3 and all_ready(slots))
    return npu


def transcribed(operator: OperatorProcess, model: str | None, size: int = 4000) -> tuple[int, dict[str, Any]]:
    edge = "xxBOUNDARYxx"
    parts = [f'--{edge}\r\nContent-Disposition: form-data; name="model"\r\n\r\n{model}\r\n'] if model else []
    head = (
        f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
    )
    body = "".join(parts).encode() + head.encode() + b"RIFF" + bytes(size) + f"\r\n--{edge}--\r\n".encode()
    connection = http.client.HTTPConnection(operator.listen, timeout=30)
    connection.request("POST", SPEECH, body, {"Content-Type": f"multipart/form-data; boundary={edge}"})
    answer = connection.getresponse()
    found = json.loads(answer.read())
    connection.close()
    return answer.status, found


def test_all_three_roles_answer_and_the_server_never_hears_a_foreign_name(trio: OperatorProcess) -> None:
    for body in ({"model": "npu", "messages": HELLO}, {"model": TAG, "messages": HELLO}, {"messages": HELLO}):
        with asking(trio, CHAT, body) as answer:
            assert answer.status == 200, answer.read()
    with asking(trio, EMBED, {"model": "embed", "input": "x"}) as answer:
        assert answer.status == 200, answer.read()
    heard = trio.stub("npu")["models_asked"]
    for model, size in (("stt", 4000), (None, 4000), (None, 2_000_000)):
        status, body = transcribed(trio, model, size)
        assert (status, body["text"].endswith("bytes heard")) == (200, True)
    assert trio.stub("npu")["models_asked"] == [*heard, *["whisper-v3:turbo"] * 3]
    assert set(trio.stub("npu")["models_asked"]) <= {TAG, "embed-gemma:300m", "whisper-v3:turbo"}


def test_without_the_npu_slot_each_role_says_so(trio: OperatorProcess) -> None:
    trio.hal0ctl("slot", "edit", "npu", "--disable", "--no-wait")
    trio.until_phase("npu", "Off")
    for path, record in ((CHAT, None), (EMBED, "embed")):
        status, error, _ = failure(trio, path, {"model": record or "npu", "messages": HELLO, "input": "x"})
        assert (status, error["code"]) == (503, "npu.trio_unavailable")
        assert (error["details"]["slot"], error["details"]["record"], error["details"]["phase"]) == (
            "npu",
            record,
            "Off",
        )
        assert "load an NPU chat slot first" in error["message"]
    status, body = transcribed(trio, "stt")
    assert (status, body["error"]["details"]["record"]) == (503, "stt")
    shadow(trio, "embed", "embed-gemma:300m", enabled=False)
    trio.until(lambda slots: slots["embed"]["enabled"] is False)
    assert failure(trio, EMBED, {"model": "embed", "input": "x"})[1]["code"] == "slot.disabled"


def test_a_swap_answers_all_that_the_npu_has_accepted_before_it_and_tells_the_others_to_come_again(
    npu: OperatorProcess,  # noqa: F811
) -> None:
    """Of the record that is switched off, too."""
    npu.configure(loop={"drain_s": 20})
    npu.start()
    npu.until(lambda slots: len(slots) == 3 and all_ready(slots))
    npu.stub("npu", chunks=15, chunk_ms=100)
    before = npu.cid("npu")
    chat = {"model": "npu", "messages": HELLO}
    accepted = [(CHAT, chat), (EMBED, {"model": "embed", "input": "x"}), (CHAT, chat | {"stream": True})]
    found: dict[int, tuple[int, bytes]] = {}

    def ask(number: int, path: str, body: dict[str, Any]) -> None:
        with asking(npu, path, body) as answer:
            found[number] = answer.status, answer.read()

    with asking(npu, CHAT, chat | {"stream": True}) as running:
        running.readline()
        clients = [threading.Thread(target=ask, args=(number, *each)) for number, each in enumerate(accepted)]
        for each in clients:
            each.start()
        until_in_flight(npu, {"npu": 3, "embed": 1})
        shadow(npu, "embed", "embed-gemma:300m", enabled=False)
        until_event(npu, lambda event: event["reason"] == "Draining" and event["slot"] == "npu")
        status, error, retry = failure(npu, CHAT, chat)
        assert (status, error["code"], error["details"]["phase"]) == (503, "npu.trio_unavailable", "Starting")
        assert "hal0-npu is being replaced, and waits for 4 requests that are under way" in error["message"]
        assert retry is not None
        assert running.read().endswith(b"data: [DONE]\n\n")
    for each in clients:
        each.join()
    assert {number: status for number, (status, _) in found.items()} == {0: 200, 1: 200, 2: 200}
    assert found[2][1].endswith(b"data: [DONE]\n\n")
    npu.until(lambda slots: slots["npu"]["phase"] == "Ready" and container_id(slots["npu"]) not in ("", before))


def until_in_flight(operator: OperatorProcess, counts: dict[str, int]) -> None:
    wanted = {f'hal0_gateway_in_flight{{slot="{slot}"}} {count}' for slot, count in counts.items()}
    end = time.monotonic() + 10
    while not wanted <= {line.removesuffix(".0") for line in operator.get("/metrics").splitlines()}:
        assert time.monotonic() < end


def test_an_operator_that_ends_in_an_answer_does_not_cost_the_npu_its_process(trio: OperatorProcess) -> None:
    trio.stub("npu", chunks=25, chunk_ms=100, max_aborts=1)
    before, pid = trio.cid("npu"), trio.container_pid("npu")
    with asking(trio, CHAT, {"model": "npu", "messages": HELLO, "stream": True}) as answer:
        answer.readline()
        assert trio.stop() == 0
        assert answer.read().endswith(b"data: [DONE]\n\n")
    trio.start()
    trio.until(lambda slots: len(slots) == 3 and all_ready(slots))
    assert (trio.cid("npu"), trio.container_pid("npu")) == (before, pid)
    assert trio.stub("npu")["aborted"] == 0


def test_a_client_that_goes_does_not_cost_the_npu_its_process(trio: OperatorProcess) -> None:
    """It would end at the tenth request that is cut; instead each is read to its end, unseen."""
    trio.stub("npu", chunks=5, chunk_ms=20, max_aborts=3)
    before = trio.cid("npu")
    for _ in range(6):
        with asking(trio, CHAT, {"model": "npu", "messages": HELLO, "stream": True}) as answer:
            answer.readline()
    with asking(trio, CHAT, {"model": "npu", "messages": HELLO}) as answer:
        assert answer.status == 200
    assert trio.stub("npu")["aborted"] == 0
    assert trio.cid("npu") == before
