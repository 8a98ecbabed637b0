"""Launch flags: one name per flag, parsing and merging."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal0_operator.runtimes import flags


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("-b", "--batch-size"),
        ("-ub", "--ubatch-size"),
        ("-ngl", "--n-gpu-layers"),
        ("--gpu-layers", "--n-gpu-layers"),
        ("-ctk", "--cache-type-k"),
        ("-ctv", "--cache-type-v"),
        ("-t", "--threads"),
        ("-tb", "--threads-batch"),
        ("-fa", "--flash-attn"),
        ("-c", "--ctx-size"),
        ("-np", "--parallel"),
        ("-m", "--model"),
        ("-a", "--alias"),
        ("--embeddings", "--embedding"),
        ("--rerank", "--reranking"),
        ("--ctx_size", "--ctx-size"),
        ("--ctx-size=512", "--ctx-size"),
        ("-c=512", "--ctx-size"),
        ("--no-mmap", "--mmap"),
        ("--unheard-of", "--unheard-of"),
    ],
)
def test_every_spelling_has_one_name(spelled: str, name: str) -> None:
    assert flags.canonical(spelled) == name


def test_no_spelling_is_claimed_by_two_flags() -> None:
    claimed = [s for name, others in flags._SPELLINGS.items() for s in (name, *others.split())]
    assert len(claimed) == len(set(claimed))


def test_splitting_follows_the_shell_and_refuses_an_open_quote() -> None:
    assert flags.split("--chat-template 'a b' -c 5") == ("--chat-template", "a b", "-c", "5")
    with pytest.raises(ValueError, match="No closing quotation"):
        flags.split("--alias 'x")


def test_flags_are_parsed_with_values_negative_numbers_and_positions() -> None:
    parsed = flags.parse(("--ctx-size=512", "--seed", "-1", "--jinja", "-fa", "on", "--temp", "-.5e-3", "-ts", "-1,2"))
    assert [(f.canonical, f.spelled, f.values, f.index) for f in parsed] == [
        ("--ctx-size", "--ctx-size", ("512",), 0),
        ("--seed", "--seed", ("-1",), 1),
        ("--jinja", "--jinja", (), 3),
        ("--flash-attn", "-fa", ("on",), 4),
        ("--temp", "--temp", ("-.5e-3",), 6),
        ("--tensor-split", "-ts", ("-1,2",), 8),
    ]


def test_tokens_before_the_first_flag_belong_to_none() -> None:
    assert flags.parse(("stray", "more", "--jinja")) == (
        flags.Flag("", "", ("stray",), 0),
        flags.Flag("", "", ("more",), 1),
        flags.Flag("--jinja", "--jinja", (), 2),
    )


def test_a_later_group_wins_by_canonical_name_and_keeps_its_provenance() -> None:
    merged = flags.merge(
        (("-b", "512", "--no-mmap", "-fa", "on"), "profile rocm"), (("--batch-size=64", "--mmap"), "slot")
    )
    assert merged == (
        (("-fa", "on"), "profile rocm"),
        (("--batch-size", "64"), "slot"),
        (("--mmap",), "slot"),
    )


def test_lora_and_override_kv_repeat() -> None:
    tokens = ("--lora", "a", "--lora", "b", "--override-kv", "x=int:1", "--override-kv", "y=int:2")
    assert flags.merge((tokens, "slot")) == (
        (("--lora", "a"), "slot"),
        (("--lora", "b"), "slot"),
        (("--override-kv", "x=int:1"), "slot"),
        (("--override-kv", "y=int:2"), "slot"),
    )


@pytest.mark.parametrize(
    "flag",
    [
        "--port",
        "--port=1",
        "--host",
        "-m",
        "--model",
        "-a",
        "-c",
        "--ctx_size",
        "-ngl",
        "--api-key",
        "-hf",
        "--por",
        "--po",
    ],
)
def test_flags_of_slot_and_operator_are_owned_in_every_spelling(flag: str) -> None:
    assert flags.owned(flag)


@pytest.mark.parametrize(
    "flag", ["--model_path", "--parallel", "-b", "--hf-token", "--lora", "--", "--pooling", "-p", "-e"]
)
def test_other_flags_are_free(flag: str) -> None:
    assert flags.owned(flag) == ""


@pytest.mark.parametrize("flag", ["-p", "-p9", "--por", "-c512", "--ctx", "--ho", "-a", "-a1", "--as", "-e", "--emb=1"])
def test_every_spelling_that_fastflowlm_takes_is_owned_too(flag: str) -> None:
    assert flags.owned(flag, "flm")


@pytest.mark.parametrize("flag", ["--pmode", "--cors", "-q", "--socket", "--hf"])
def test_other_flags_of_fastflowlm_are_free(flag: str) -> None:
    assert flags.owned(flag, "flm") == ""


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("LLAMA_ARG_PORT", "--port"),
        ("LLAMA_ARG_RERANKING", "--reranking"),
        ("LLAMA_API_KEY", "--api-key"),
        ("LLAMA_ARG_THREADS", "--threads"),
        ("MY_LLAMA_ARG_PORT", ""),
        ("LD_PRELOAD", ""),
    ],
)
def test_a_variable_stands_for_the_flag_that_llama_server_reads_from_it(name: str, flag: str) -> None:
    assert flags.of_variable(name) == flag


def test_a_flag_with_a_hundred_thousand_values_is_parsed_in_one_go() -> None:
    """With the values copied for each further one this is minutes of work."""
    (flag,) = flags.parse(("--x", *["y"] * 400_000))
    assert len(flag.values) == 400_000


def test_only_ordinary_texts_are_remembered() -> None:
    long, short = ["-a"] * (flags.REMEMBERED + 1), ["-a", "1"]
    assert flags.parse(long)[0] is not flags.parse(long)[0]
    assert flags.parse(short)[0] is flags.parse(short)[0]


_TOKENS = st.lists(
    st.sampled_from(
        ["-b", "--batch-size", "--batch-size=3", "-c", "--lora", "--mmap", "--no-mmap", "x", "7", "-1", "--jinja"]
    ),
    max_size=12,
)


@given(_TOKENS, _TOKENS)
def test_merging_is_idempotent_and_the_last_occurrence_wins(first: list[str], second: list[str]) -> None:
    merged = flags.merge((first, "a"), (second, "b"))
    again = flags.merge(*merged)
    assert again == merged
    names = [flags.parse(tokens)[0].canonical for tokens, _ in merged]
    once = [name for name in names if name not in flags.REPEATABLE]
    assert len(once) == len(set(once))
    everything = flags.parse((*first, "--end", *second))
    for (tokens, _), name in zip(merged, names, strict=True):
        if name not in flags.REPEATABLE:
            assert [f.tokens for f in everything if f.canonical == name][-1] == tokens
