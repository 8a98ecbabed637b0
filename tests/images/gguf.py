"""A random language model of half a megabyte in GGUF, which llama.cpp loads in a tenth of a second.

It says nothing sensible, but everything about serving is real: loading, chat template, tokens, embeddings,
reranking.  Written by hand: the format is a header, typed key-value pairs and tensors.
"""

import random
import struct
from array import array
from pathlib import Path
from typing import Any

MAGIC, VERSION, ALIGNMENT = b"GGUF", 3, 32
UINT32, INT32, FLOAT32, STRING, ARRAY = 4, 5, 6, 8, 9
WIDTH, LAYERS, HEADS, INNER, CONTEXT = 64, 2, 4, 128, 2048
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"


def write(path: Path, seed: int = 1) -> Path:
    """The same bytes for the same seed; serves chat, embeddings and reranking alike."""
    rng = random.Random(seed)
    tensors = _tensors(rng, len(_tokens()[0]))
    header = struct.pack("<4sIQQ", MAGIC, VERSION, len(tensors), len(_pairs()))
    table = b"".join(_pair(key, kind, value) for key, kind, value in _pairs())
    infos, data = b"", b""
    for name, shape, values in tensors:
        # dimensions are written innermost first
        infos += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *reversed(shape), 0, len(data))
        data += _padded(values.tobytes())
    path.write_bytes(_padded(header + table + infos) + data)
    return path


def _tokens() -> tuple[list[str], list[int]]:
    special = [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL)]
    letters = [(f"<0x{byte:02X}>", BYTE) for byte in range(256)]
    words = [(f"\u2581w{number}", NORMAL) for number in range(41)]
    everything = [*special, *letters, *words]
    return [token for token, _ in everything], [kind for _, kind in everything]


def _pairs() -> list[tuple[str, int, Any]]:
    tokens, kinds = _tokens()
    return [
        ("general.architecture", STRING, "llama"),
        ("general.name", STRING, "random"),
        ("general.file_type", UINT32, 0),
        ("llama.context_length", UINT32, CONTEXT),
        ("llama.embedding_length", UINT32, WIDTH),
        ("llama.block_count", UINT32, LAYERS),
        ("llama.feed_forward_length", UINT32, INNER),
        ("llama.attention.head_count", UINT32, HEADS),
        ("llama.attention.head_count_kv", UINT32, HEADS),
        ("llama.attention.layer_norm_rms_epsilon", FLOAT32, 1e-5),
        ("llama.rope.dimension_count", UINT32, WIDTH // HEADS),
        ("llama.vocab_size", UINT32, len(tokens)),
        ("tokenizer.ggml.model", STRING, "llama"),
        ("tokenizer.ggml.tokens", ARRAY, (STRING, tokens)),
        ("tokenizer.ggml.scores", ARRAY, (FLOAT32, [0.0] * len(tokens))),
        ("tokenizer.ggml.token_type", ARRAY, (INT32, kinds)),
        ("tokenizer.ggml.unknown_token_id", UINT32, 0),
        ("tokenizer.ggml.bos_token_id", UINT32, 1),
        ("tokenizer.ggml.eos_token_id", UINT32, 2),
        ("tokenizer.chat_template", STRING, TEMPLATE),
    ]


def _tensors(rng: random.Random, vocabulary: int) -> list[tuple[str, tuple[int, ...], array]]:
    def weights(name: str, *shape: int) -> tuple[str, tuple[int, ...], array]:
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        return name, shape, array("f", (rng.gauss(0, 0.05) for _ in range(count)))

    def ones(name: str) -> tuple[str, tuple[int, ...], array]:
        return name, (WIDTH,), array("f", [1.0] * WIDTH)

    tensors = [weights("token_embd.weight", vocabulary, WIDTH), ones("output_norm.weight")]
    tensors.append(weights("output.weight", vocabulary, WIDTH))
    for layer in range(LAYERS):
        tensors += [ones(f"blk.{layer}.{norm}_norm.weight") for norm in ("attn", "ffn")]
        tensors += [weights(f"blk.{layer}.attn_{part}.weight", WIDTH, WIDTH) for part in ("q", "k", "v", "output")]
        tensors += [weights(f"blk.{layer}.ffn_{part}.weight", INNER, WIDTH) for part in ("gate", "up")]
        tensors.append(weights(f"blk.{layer}.ffn_down.weight", WIDTH, INNER))
    return tensors


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _pair(key: str, kind: int, value: Any) -> bytes:
    return _text(key) + struct.pack("<I", kind) + _value(kind, value)


def _value(kind: int, value: Any) -> bytes:
    if kind == STRING:
        return _text(value)
    if kind == ARRAY:
        inner, items = value
        return struct.pack("<IQ", inner, len(items)) + b"".join(_value(inner, item) for item in items)
    return struct.pack({UINT32: "<I", INT32: "<i", FLOAT32: "<f"}[kind], value)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNMENT)
