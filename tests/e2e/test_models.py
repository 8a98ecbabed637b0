"""Models that are not there, and modes that follow from the type."""

import json
import urllib.request

from tests.e2e.awaited import all_ready, condition, converged
from tests.support.operator_process import OperatorProcess


def test_a_slot_whose_model_is_missing_is_not_started_until_the_file_appears(operator: OperatorProcess) -> None:
    (operator.store / "m.gguf").unlink()
    operator.start()
    missing = operator.until_condition("chat", "ModelMissing")
    assert "m.gguf" in missing["message"]
    slots = operator.until(lambda slots: all(slot["phase"] == "Blocked" for slot in slots.values()))
    assert condition(slots["chat"], "Stalled")["reason"] == "ModelMissing"
    assert operator.cids() == {}, "no crash loop: nothing was created"
    (operator.store / "m.gguf").touch()
    slots = operator.until(all_ready)
    assert all(slot["restarts"] == 0 for slot in slots.values())


def test_a_store_that_is_not_mounted_yet_is_waited_for(operator: OperatorProcess) -> None:
    away = operator.store.rename(operator.store.with_name("unmounted"))
    operator.start()
    operator.until_condition("chat", "ModelMissing")
    away.rename(operator.store)
    operator.until(all_ready)


def test_minimal_embedding_and_reranking_slots_are_started_in_their_mode(operator: OperatorProcess) -> None:
    for slot in ("code", "util"):
        operator.home.delete(f"slots/{slot}.toml")
    for number, slot in enumerate(("embed", "embed-rerank")):
        operator.home.save(
            f"slots/{slot}.toml",
            f'device = "cpu"\nprofile = "stub"\nport = {operator.home.ports[3 + number]}\n'
            '[model]\ndefault = "m.gguf"\n',
        )
    operator.start()
    converged(operator)
    assert "--embedding" in operator.stub("embed")["argv"]
    assert "--reranking" in operator.stub("embed-rerank")["argv"]
    assert not {"--embedding", "--reranking"} & set(operator.stub("chat")["argv"])

    def ask(slot: str, path: str, body: dict) -> dict:
        url = f"http://127.0.0.1:{operator.slots()[slot]['port']}{path}"
        with urllib.request.urlopen(url, data=json.dumps(body).encode(), timeout=30) as answer:
            return json.load(answer)

    assert ask("embed", "/v1/embeddings", {"input": ["a"]})["data"]
    assert ask("embed-rerank", "/v1/rerank", {"query": "a", "documents": ["b"]})["results"]
