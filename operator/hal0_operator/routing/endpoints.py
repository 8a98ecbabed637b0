"""The paths below ``/v1`` and the slot types that answer them."""

from typing import Literal

import msgspec

from hal0_operator.model.slot import SlotType

Body = Literal["json", "multipart"]


class Endpoint(msgspec.Struct, frozen=True):
    """``path`` is what the server itself calls it; ``role`` is the NPU process's role behind it.

    ``streams``: it answers with events where the request asks for them; nothing else may be said before the answer.
    """

    path: str
    type: SlotType
    role: str
    body: Body = "json"
    streams: bool = False


_CHAT = Endpoint("/v1/chat/completions", "llm", "chat", streams=True)
_RERANK = Endpoint("/v1/rerank", "reranking", "")

ENDPOINTS: dict[str, Endpoint] = {
    "/v1/chat/completions": _CHAT,
    "/v1/completions": Endpoint("/v1/completions", "llm", "chat", streams=True),
    "/v1/embeddings": Endpoint("/v1/embeddings", "embedding", "embed"),
    "/v1/rerank": _RERANK,
    "/v1/reranking": _RERANK,
    "/v1/rerankings": _RERANK,
    "/v1/audio/transcriptions": Endpoint("/v1/audio/transcriptions", "transcription", "asr", "multipart", streams=True),
    "/v1/audio/speech": Endpoint("/v1/audio/speech", "tts", ""),
}
"""By the path that a client asks for."""

MODELS = "/v1/models"
IMAGES = "/v1/images/generations"
"""Answered with 501: ComfyUI has an API of its own, which nothing translates yet."""

DEFAULT_SLOT: dict[SlotType, str] = {
    "llm": "chat",
    "embedding": "embed",
    "reranking": "embed-rerank",
    "transcription": "stt",
    "tts": "tts",
}
"""The slot of a request that names no model."""
