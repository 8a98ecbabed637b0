"""Real llama.cpp behind slots of three types, with a random model of half a megabyte."""

import json
import urllib.request
from typing import Any

import pytest

from tests.images import gguf
from tests.images.build import LLAMA
from tests.support.machine import Machine
from tests.support.operator_process import OperatorProcess

SIZE = {"context_size": 512}


@pytest.fixture
def real(operator: OperatorProcess, llama: Machine) -> OperatorProcess:
    gguf.write(operator.store / "chat.gguf")
    operator.home.profile("llama", image=LLAMA, flags="--threads 1 --parallel 1 --no-mmap -fa on -ctk q8_0")
    for slot in ("chat", "code", "util"):
        operator.home.delete(f"slots/{slot}.toml")
    return operator


def post(port: int, path: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def test_chat_embedding_and_reranking_slots_serve_what_their_type_says(real: OperatorProcess) -> None:
    ports = dict(zip(("chat", "embed", "rerank"), real.home.ports, strict=False))
    real.home.slot("chat", profile="llama", model={"default": "chat.gguf"} | SIZE, port=ports["chat"])
    real.home.slot("embed", profile="llama", model={"default": "chat.gguf"} | SIZE, port=ports["embed"])
    real.home.slot("rerank", profile="llama", model={"default": "chat.gguf"} | SIZE, port=ports["rerank"])
    real.start()
    real.until(lambda slots: len(slots) == 3 and all(slot["phase"] == "Ready" for slot in slots.values()), 40)

    chat = post(
        ports["chat"], "/v1/chat/completions", {"messages": [{"role": "user", "content": "w1"}], "max_tokens": 4}
    )
    assert chat["choices"][0]["message"]["role"] == "assistant"
    assert chat["usage"]["completion_tokens"] == 4
    vector = post(ports["embed"], "/v1/embeddings", {"input": "w1 w2"})["data"][0]["embedding"]
    assert len(vector) == gguf.WIDTH
    ranked = post(ports["rerank"], "/v1/rerank", {"query": "w1", "documents": ["w2", "w3"]})
    assert {result["index"] for result in ranked["results"]} == {0, 1}


def test_a_flag_that_llama_cpp_does_not_know_is_rolled_back_and_named(real: OperatorProcess) -> None:
    real.home.slot("chat", profile="llama", model={"default": "chat.gguf"} | SIZE)
    real.start()
    real.until_phase("chat", "Ready", 40)
    before = real.slots()["chat"]["container"]["image"]
    real.home.slot(
        "chat", profile="llama", model={"default": "chat.gguf"} | SIZE, server={"extra_args": "--no-such-flag"}
    )
    rolled = real.until_condition("chat", "RolledBack", seconds=40)
    assert "--no-such-flag" in rolled["message"]
    chat = real.until_phase("chat", "Ready", 40)
    assert chat["container"]["image"] == before
    assert post(
        chat["port"], "/v1/chat/completions", {"messages": [{"role": "user", "content": "w1"}], "max_tokens": 1}
    )
