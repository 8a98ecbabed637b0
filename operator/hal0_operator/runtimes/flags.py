"""Launch flags: one name per flag, parsing, merging with provenance, and who owns which flag."""

import re
import shlex
from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

from hal0_operator.model.profile import Family
from hal0_operator.model.slot import SlotType

_SPELLINGS: dict[str, str] = {
    # llama-server's own table: the name used here, then every other spelling, negations included,
    # because a flag and its negation undo each other: the later one counts.
    "--alias": "-a",
    "--batch-size": "-b",
    "--cache-prompt": "--no-cache-prompt",
    "--cache-ram": "-cram",
    "--cache-type-k": "-ctk",
    "--cache-type-v": "-ctv",
    "--cont-batching": "-cb -nocb --no-cont-batching",
    "--context-shift": "--no-context-shift",
    "--cpu-mask": "-C",
    "--cpu-mask-batch": "-Cb",
    "--cpu-moe": "-cmoe",
    "--cpu-range": "-Cr",
    "--cpu-range-batch": "-Crb",
    "--ctx-checkpoints": "-ctxcp --swa-checkpoints",
    "--ctx-size": "-c",
    "--defrag-thold": "-dt",
    "--device": "-dev",
    "--docker-repo": "-dr",
    "--embedding": "--embeddings",
    "--escape": "-e --no-escape",
    "--fit": "-fit",
    "--fit-ctx": "-fitc",
    "--fit-target": "-fitt",
    "--flash-attn": "-fa",
    "--hf-file": "-hff",
    "--hf-file-v": "-hffv",
    "--hf-repo": "-hf -hfr",
    "--hf-repo-draft": "-hfd -hfrd",
    "--hf-repo-v": "-hfv -hfrv",
    "--hf-token": "-hft",
    "--jinja": "--no-jinja",
    "--json-schema": "-j",
    "--json-schema-file": "-jf",
    "--kv-offload": "-kvo -nkvo --no-kv-offload",
    "--kv-unified": "-kvu -no-kvu --no-kv-unified",
    "--load-mode": "-lm",
    "--logit-bias": "-l",
    "--lookup-cache-dynamic": "-lcd",
    "--lookup-cache-static": "-lcs",
    "--main-gpu": "-mg",
    "--mmap": "--no-mmap",
    "--mmproj": "-mm",
    "--mmproj-auto": "--no-mmproj --no-mmproj-auto",
    "--mmproj-offload": "--no-mmproj-offload",
    "--mmproj-url": "-mmu",
    "--model": "-m",
    "--model-url": "-mu",
    "--n-cpu-moe": "-ncmoe",
    "--n-gpu-layers": "-ngl --gpu-layers",
    "--op-offload": "--no-op-offload",
    "--override-tensor": "-ot",
    "--parallel": "-np",
    "--perf": "--no-perf",
    "--predict": "-n --n-predict",
    "--reasoning": "-rea",
    "--repack": "-nr --no-repack",
    "--reranking": "--rerank",
    "--reverse-prompt": "-r",
    "--sampler-seq": "--sampling-seq",
    "--seed": "-s",
    "--slot-prompt-similarity": "-sps",
    "--slots": "--no-slots",
    "--spec-draft-device": "-devd --device-draft",
    "--spec-draft-model": "-md --model-draft",
    "--spec-draft-n-max": "--draft --draft-n --draft-max",
    "--spec-draft-n-min": "--draft-min --draft-n-min",
    "--spec-draft-ngl": "-ngld --gpu-layers-draft --n-gpu-layers-draft",
    "--spec-draft-p-min": "--draft-p-min",
    "--spec-draft-p-split": "--draft-p-split",
    "--spec-draft-threads": "-td --threads-draft",
    "--spec-draft-threads-batch": "-tbd --threads-batch-draft",
    "--spec-draft-type-k": "-ctkd --cache-type-k-draft",
    "--spec-draft-type-v": "-ctvd --cache-type-v-draft",
    "--special": "-sp",
    "--split-mode": "-sm",
    "--temp": "--temperature",
    "--tensor-split": "-ts",
    "--threads": "-t",
    "--threads-batch": "-tb",
    "--timeout": "-to",
    "--top-nsigma": "--top-n-sigma",
    "--typical": "--typical-p",
    "--ubatch-size": "-ub",
    "--ui": "--webui --no-ui --no-webui",
    "--verbose": "-v --log-verbose",
    "--verbosity": "-lv --log-verbosity",
    "--warmup": "--no-warmup",
}
_CANONICAL: dict[str, str] = {
    spelling: name for name, others in _SPELLINGS.items() for spelling in (name, *others.split())
}

REPEATABLE: frozenset[str] = frozenset(
    {
        "",
        "--control-vector",
        "--control-vector-scaled",
        "--dry-sequence-breaker",
        "--logit-bias",
        "--lora",
        "--lora-scaled",
        "--override-kv",
        "--override-tensor",
        "--reverse-prompt",
    }
)
"""Flags whose every occurrence counts; ``""`` stands for tokens that belong to no flag."""

OWNED: dict[str, str] = {
    "--port": "`port` of the slot",
    "--host": "the operator, which publishes on the loopback address",
    "--listen": "the operator, which publishes on the loopback address",
    "--model": "`[model] default` of the slot",
    "--model-url": "`[model] default` of the slot",
    "--hf-repo": "`[model] default` of the slot",
    "--hf-file": "`[model] default` of the slot",
    "--docker-repo": "`[model] default` of the slot",
    "--models-dir": "`[model] default` of the slot",
    "--models-preset": "`[model] default` of the slot",
    "--alias": "`[model] default` of the slot",
    "--ctx-size": "`[model] context_size` of the slot",
    "--ctx-len": "`[model] context_size` of the slot",
    "--n-gpu-layers": "`[model] n_gpu_layers` of the slot",
    "--asr": "the enabled record of type transcription",
    "--embed": "the enabled record of type embedding",
    "--api-key": "the operator, whose probes carry no key",
    "--api-key-file": "the operator, whose probes carry no key",
}
"""Flags that profile flags and extra_args may not set, and whose business each one is."""

_FLM_SHORT = {"-p": "--port", "-c": "--ctx-len", "-a": "--asr", "-e": "--embed"}
_FLM_LONG = ("--port", "--host", "--ctx-len", "--asr", "--embed")
"""What FastFlowLM calls those of them that it has."""

MODE_OF_TYPE: dict[SlotType, str] = {"embedding": "--embedding", "reranking": "--reranking"}
"""The mode flag that a slot's type implies; a type without one allows none of them."""

MODES: frozenset[str] = frozenset(MODE_OF_TYPE.values())

REMEMBERED = 100
"""Tokens of a text whose parse is kept: thrice an ordinary one.  A hostile one of 64 KiB would take two megabytes."""

_NUMBER = re.compile(r"-\.?\d[\d.]*([eE][+-]?\d+)?(,.*)?")


class Flag(msgspec.Struct, frozen=True):
    """One flag with its values.

    ``spelled`` is the flag as written, without ``=value``; ``index`` counts tokens from 0.
    Tokens before the first flag are one ``Flag`` with empty names each.
    """

    canonical: str
    spelled: str
    values: tuple[str, ...] = ()
    index: int = 0

    @property
    def tokens(self) -> tuple[str, ...]:
        """As the process gets them; ``--x=y`` becomes two, which every family understands."""
        return (self.spelled, *self.values) if self.spelled else self.values


def canonical(flag: str) -> str:
    """The one name of a flag in any spelling: ``-c``, ``--ctx_size`` and ``--ctx-size=512`` are ``--ctx-size``.

    llama-server reads underscores in long flags as dashes, so they are no way around a rule.
    """
    name = flag.split("=", maxsplit=1)[0]
    if name.startswith("--"):
        name = name.replace("_", "-")
    return _CANONICAL.get(name, name)


def split(text: str) -> tuple[str, ...]:
    """Split like a shell.  Raises ValueError on an unbalanced quote or a trailing backslash."""
    return tuple(shlex.split(text))


def split_if_possible(text: str) -> tuple[str, ...]:
    """No tokens for a text that cannot be split: that is reported while decoding."""
    try:
        return split(text)
    except ValueError:
        return ()


def is_flag(token: str) -> bool:
    """Whether a token names a flag: it begins with a dash and is no negative number."""
    return len(token) > 1 and token[0] == "-" and not _NUMBER.fullmatch(token)


def parse(tokens: Sequence[str]) -> tuple[Flag, ...]:
    """Group tokens into flags; a flag takes every token up to the next flag as its values."""
    whole = tuple(tokens)
    return _remembered(whole) if len(whole) <= REMEMBERED else _parsed(whole)


@lru_cache(maxsize=1024)
def _remembered(tokens: tuple[str, ...]) -> tuple[Flag, ...]:
    """Since all slots of a profile have the same flags."""
    return _parsed(tokens)


def _parsed(tokens: tuple[str, ...]) -> tuple[Flag, ...]:
    begun: list[tuple[str, list[str], int]] = []
    for index, token in enumerate(tokens):
        if is_flag(token):
            spelled, equals, value = token.partition("=")
            begun.append((spelled, [value] if equals else [], index))
        elif begun and begun[-1][0]:
            begun[-1][1].append(token)
        else:
            begun.append(("", [token], index))
    return tuple(Flag(canonical(spelled), spelled, tuple(values), index) for spelled, values, index in begun)


def merge(*groups: tuple[Sequence[str], str]) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Merge (tokens, provenance) groups: the last occurrence of a flag wins, and stands where it stood.

    The answer is one (tokens, provenance) per flag; merging it again changes nothing.
    """
    flags = [(flag, provenance) for tokens, provenance in groups for flag in parse(tokens)]
    last = {flag.canonical: position for position, (flag, _) in enumerate(flags)}
    return tuple(
        (flag.tokens, provenance)
        for position, (flag, provenance) in enumerate(flags)
        if flag.canonical in REPEATABLE or last[flag.canonical] == position
    )


def owned(flag: str, family: Family = "llama-server") -> str:
    """Whose business a flag is, in any spelling, or ``""`` when profiles and slots may set it.

    All but llama-server accept any unambiguous beginning of a long flag (``--po``), so every
    beginning of what they take from the operator counts as well.  FastFlowLM's short flags may have their
    value stuck to them (``-p9``).
    """
    name = canonical(flag)
    if family == "flm" and flag[:2] in _FLM_SHORT:
        name = _FLM_SHORT[flag[:2]]
    if name in OWNED:
        return OWNED[name]
    longs = _FLM_LONG if family == "flm" else ("--port", "--host", "--listen")
    return next((OWNED[full] for full in longs if len(name) > len("--") and full.startswith(name)), "")


def of_variable(name: str) -> str:
    """The flag that llama-server reads from this variable where the command line has none, or ``""``."""
    if name == "LLAMA_API_KEY":
        return "--api-key"
    _, found, rest = name.partition("LLAMA_ARG_")
    return canonical(f"--{rest.lower()}") if found and name.startswith(found) else ""


def without_modes(tokens: Iterable[str]) -> tuple[str, ...]:
    """Tokens without any mode flag: the slot's type decides the mode, and admission refused contradictions."""
    return tuple(token for flag in parse(tuple(tokens)) if flag.canonical not in MODES for token in flag.tokens)
