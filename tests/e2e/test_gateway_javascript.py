"""Programs that others wrote against OpenAI's API: the official JavaScript client, and what Open WebUI sends.

chat, embed and rerank are real llama.cpp; stt is a record of the NPU, for which a simulator of FLM stands; tts is a
simulator of Kokoro.
"""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.awaited import all_ready
from tests.e2e.test_gateway import HELLO, generating
from tests.e2e.test_npu import chat, shadow
from tests.images import gguf
from tests.images.build import FLM, KOKORO
from tests.support.operator_process import OperatorProcess

JAVASCRIPT = Path(__file__).with_name("javascript")
SLOTS = {"chat", "embed", "npu", "npu-embed", "rerank", "stt", "tts"}
IN_FLIGHT = 'hal0_gateway_in_flight{slot="chat"}'


@pytest.fixture
def everything(llamas: OperatorProcess) -> OperatorProcess:
    """A slot or record of every type that is asked for over ``/v1``, Ready."""
    llamas.configure(families={"flm": {"cache": str(llamas.folder / "flm")}})
    llamas.home.profile("sim", image=FLM, device_class="npu")
    chat(llamas, "npu", 3)
    shadow(llamas, "stt", "whisper-v3:turbo")
    shadow(llamas, "npu-embed", "embed-gemma:300m", type="embedding")
    llamas.home.profile("voice", image=KOKORO)
    llamas.home.slot("tts", profile="voice", model=None, port=llamas.home.ports[4])
    llamas.start()
    llamas.until(lambda slots: slots.keys() == SLOTS and all_ready(slots))
    return llamas


def javascript(operator: OperatorProcess, what: str) -> subprocess.Popen[str]:
    words = ["node", str(JAVASCRIPT / "client.mjs"), f"http://{operator.listen}/v1", what]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_the_official_javascript_client_talks_to_every_slot(everything: OperatorProcess) -> None:
    with javascript(everything, "talk") as program:
        found = json.loads(program.communicate(timeout=60)[0])
    assert set(found["models"]) == SLOTS
    assert found["whole"]["usage"]["completion_tokens"] == 4
    assert len(found["pieces"]) > 2
    assert found["pieces"][-1]["choices"][0]["finish_reason"] == "length"
    assert found["completion"]["usage"]["completion_tokens"] == 3
    vectors, numbers = ([row["embedding"] for row in found[kind]] for kind in ("vectors", "numbers"))
    assert [len(vector) for vector in vectors] == [gguf.WIDTH] * 2
    assert vectors == [pytest.approx(row, abs=1e-6) for row in numbers]
    assert any(vectors[0]) and vectors[0] != vectors[1]
    assert found["npu"][0]["embedding"] == pytest.approx([0.1, 0.2])
    size, words = found["heard"]["text"].split(maxsplit=1)
    assert int(size) > 400_000 and words == "bytes heard"
    assert found["spoken"][:4] == "RIFF" and len(found["spoken"]) == 44
    assert (found["unknown"]["is"], found["unknown"]["status"], found["unknown"]["code"]) == (True, 404, "slot.unknown")
    assert "chat" in found["unknown"]["message"]


def test_a_real_server_stops_generating_when_the_javascript_client_aborts(everything: OperatorProcess) -> None:
    with javascript(everything, "leave") as program:
        assert json.loads(program.stdout.readline()) == {"pieces": 3}
        assert generating(everything)
        assert IN_FLIGHT in everything.get("/metrics")
        print("leave", file=program.stdin, flush=True)
        assert json.loads(program.stdout.readline()) == {"aborted": True}
        left = time.monotonic()
        while generating(everything) or IN_FLIGHT in everything.get("/metrics"):
            assert time.monotonic() < left + 2, "it goes on although nobody listens"
        assert program.poll() is None, "the program ended, so its connection did, abort or not"


def test_what_open_webui_sends_is_answered(everything: OperatorProcess) -> None:
    """It always sends a key, names the user in headers, and leaves fields of its own in the body."""
    user = {"X-OpenWebUI-User-Name": "Ada%20L", "X-OpenWebUI-User-Id": "7", "X-OpenWebUI-User-Role": "admin"}
    own = {"chat_id": "c1", "session_id": "s1", "features": {"web_search": False}, "variables": {"{{NAME}}": "Ada"}}
    with requests.Session() as session:
        session.headers.update({"Authorization": "Bearer sk-none"} | user)

        def post(path: str, **body: Any) -> requests.Response:
            answer = session.post(f"http://{everything.listen}/v1{path}", timeout=30, **body)
            assert answer.status_code == 200, answer.text
            return answer

        models = session.get(f"http://{everything.listen}/v1/models", timeout=30).json()["data"]
        assert {model["id"] for model in models} == SLOTS
        options = {"stream": True, "stream_options": {"include_usage": True}}
        wish = {"model": "chat", "messages": HELLO, "max_tokens": 4, "ignore_eos": True} | options | own
        events = post("/chat/completions", json=wish).text.split("\n\n")
        assert events[-2:] == ["data: [DONE]", ""]
        last = json.loads(events[-3].removeprefix("data: "))
        assert (last["choices"], last["usage"]["completion_tokens"]) == ([], 4)
        rows = post("/embeddings", json={"input": ["w1", "w2 w3"], "model": "embed"}).json()["data"]
        assert [(row["index"], len(row["embedding"])) for row in rows] == [(0, gguf.WIDTH), (1, gguf.WIDTH)]
        file = {"file": ("3f.wav", b"RIFF" + bytes(4000))}
        assert post("/audio/transcriptions", files=file, data={"model": "stt"}).json()["text"].endswith("bytes heard")
        speech = post("/audio/speech", json={"input": "hello", "voice": "af_heart", "model": "tts"})
        assert speech.content[:4] == b"RIFF"


def test_the_javascript_client_is_pinned_by_a_hash_and_names_no_registry() -> None:
    text = (JAVASCRIPT / "package-lock.json").read_text()
    got = {name: package for name, package in json.loads(text)["packages"].items() if name}
    assert got and all(package["integrity"].startswith("sha512-") for package in got.values())
    assert "://" not in text, "make it with: npm install --package-lock-only --omit-lockfile-registry-resolved"
