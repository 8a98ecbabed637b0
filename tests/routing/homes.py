"""Homes whose slots stand as a test says, and what is asked of them."""

from typing import Any

from hal0_operator.routing.directory import Directory, Listing
from hal0_operator.routing.endpoints import ENDPOINTS
from hal0_operator.routing.failure import Failure
from hal0_operator.routing.route import Route, route
from hal0_operator.routing.standing import Standing

CHAT, EMBED = "/v1/chat/completions", "/v1/embeddings"
HEAR, SPEAK = "/v1/audio/transcriptions", "/v1/audio/speech"


def slot(name: str, type: str = "llm", **more: Any) -> Listing:
    return Listing(**{"slot": name, "type": type, "device": "gpu-rocm", "family": "llama-server", **more})


def npu(name: str, type: str = "llm", **more: Any) -> Listing:
    """On the NPU, whatever its name."""
    record = {} if type == "llm" else {"is_record": True, "anchor": "brain"}
    return slot(name, type, **{"device": "npu", "family": "flm", "model": "gemma3-1b-FLM", **record, **more})


READY = Standing(phase="Ready", container="id", port=8081)
NPU_READY = Standing(phase="Ready", container="npu-id", port=8090)


class Home:
    """Slots that are all Ready but where ``stand`` says otherwise."""

    def __init__(self, *listings: Listing) -> None:
        self.slots = {listing.slot: listing for listing in listings}
        self.stands = {name: NPU_READY if one.device == "npu" else READY for name, one in self.slots.items()}

    def stand(self, name: str, phase: str, **more: Any) -> "Home":
        self.stands[name] = Standing(phase=phase, **more)
        return self

    def ask(self, path: str = CHAT, model: str | None = None) -> Route | Failure:
        models: dict[str, tuple[str, ...]] = {}
        for name in sorted(self.slots):
            models[self.slots[name].model] = (*models.get(self.slots[name].model, ()), name)
        models.pop("", None)
        return route(Directory(self.slots, models), self.stands.__getitem__, ENDPOINTS[path], model)

    def goes(self, path: str = CHAT, model: str | None = None) -> str:
        """The slot that was found, or the code."""
        found = self.ask(path, model)
        return found.slot if isinstance(found, Route) else f"{found.status} {found.code}"


def usual() -> Home:
    return Home(
        slot("chat", model="qwen"),
        slot("code", model="coder"),
        slot("embed", "embedding", model="bge"),
        slot("embed-rerank", "reranking", model="bge-r"),
        slot("stt", "transcription", model="whisper"),
        slot("tts", "tts", family="kokoro", device="cpu"),
    )


def trio(**records: Any) -> Home:
    """The NPU's three roles under names that say nothing."""
    return Home(
        npu("brain", upstream_model="gemma3:1b"),
        npu("ears", "transcription", upstream_model="whisper-v3:turbo", **records),
        npu("numbers", "embedding", upstream_model="embed-gemma:300m", **records),
    )
