"""From a model reference to the file that it means."""

import pytest

from hal0_operator.model.facts import ModelFile
from hal0_operator.runtimes.models import Entry, ModelProblem, registry_of, resolve

FILES = {
    "/store/chat/qwen3-4b-q4_k_m.gguf": 10,
    "/store/m.gguf": 0,
    "/store/big/big-00001-of-00003.gguf": 1,
    "/store/big/big-00002-of-00003.gguf": 2,
    "/store/big/big-00003-of-00003.gguf": 4,
    "/store/torn/torn-00001-of-00002.gguf": 1,
    "/store/see/gemma-3-4b-it-Q4_K_M.gguf": 7,
    "/store/see/mmproj-model-f16.gguf": 1,
    "/store/see/mmproj-model-f32.gguf": 2,
    "/store/flat/gemma-3-4b-it-Q4_K_M.gguf": 7,
    "/store/flat/mmproj-gemma-3-4b-it-f16.gguf": 1,
    "/store/flat/llama-8b.gguf": 7,
    "/store/a/twin.gguf": 1,
    "/store/b/twin.gguf": 1,
    "/extra/own.gguf": 3,
    "/etc/passwd": 9,
}
ROOTS = ("/store", "/extra")
REGISTRY = {
    "qwen-by-id": Entry("/store/chat/qwen3-4b-q4_k_m.gguf"),
    "sees": Entry("chat/qwen3-4b-q4_k_m.gguf", "/store/see/mmproj-model-f32.gguf"),
    "outside": Entry("/etc/passwd"),
    "org/name": Entry("m.gguf"),
}


def find(reference: str) -> ModelFile | ModelProblem:
    return resolve(reference, ROOTS, [f for f in FILES if f.endswith(".gguf")], REGISTRY, FILES.get)


@pytest.mark.parametrize(
    ("reference", "file"),
    [
        ("/store/m.gguf", ModelFile("/store/m.gguf", 0)),
        ("/extra/own.gguf", ModelFile("/extra/own.gguf", 3)),
        ("m.gguf", ModelFile("/store/m.gguf", 0)),
        ("chat/./qwen3-4b-q4_k_m.gguf", ModelFile("/store/chat/qwen3-4b-q4_k_m.gguf", 10)),
        ("qwen-by-id", ModelFile("/store/chat/qwen3-4b-q4_k_m.gguf", 10)),
        ("org/name", ModelFile("/store/m.gguf", 0)),
        ("qwen3-4b-q4_k_m", ModelFile("/store/chat/qwen3-4b-q4_k_m.gguf", 10)),
        ("Qwen3-4B-Q4_K_M", ModelFile("/store/chat/qwen3-4b-q4_k_m.gguf", 10)),
        ("qwen3-4b-q4_k_m.gguf", ModelFile("/store/chat/qwen3-4b-q4_k_m.gguf", 10)),
    ],
)
def test_a_path_an_id_and_a_name_find_their_file(reference: str, file: ModelFile) -> None:
    assert find(reference) == file


@pytest.mark.parametrize("reference", ["big", "big/big-00001-of-00003.gguf", "/store/big/big-00002-of-00003.gguf"])
def test_a_split_model_is_served_by_its_first_part_and_counts_whole(reference: str) -> None:
    assert find(reference) == ModelFile("/store/big/big-00001-of-00003.gguf", 7)


def test_a_missing_part_is_named() -> None:
    assert find("torn") == ModelProblem(
        "model torn: /store/torn/torn-00002-of-00002.gguf does not exist (1 of its 2 parts are missing): "
        "put it there or name another"
    )


def test_the_projector_beside_the_only_model_is_its_own_and_half_precision_goes_first() -> None:
    assert find("see/gemma-3-4b-it-Q4_K_M.gguf") == ModelFile(
        "/store/see/gemma-3-4b-it-Q4_K_M.gguf", 7, "/store/see/mmproj-model-f16.gguf"
    )


def test_among_several_models_a_projector_belongs_to_the_one_it_names() -> None:
    assert find("flat/gemma-3-4b-it-Q4_K_M.gguf") == ModelFile(
        "/store/flat/gemma-3-4b-it-Q4_K_M.gguf", 7, "/store/flat/mmproj-gemma-3-4b-it-f16.gguf"
    )
    assert find("llama-8b") == ModelFile("/store/flat/llama-8b.gguf", 7)


def test_the_registry_may_name_the_projector() -> None:
    assert find("sees") == ModelFile("/store/chat/qwen3-4b-q4_k_m.gguf", 10, "/store/see/mmproj-model-f32.gguf")


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("/etc/passwd", "neither below the model store /store nor below an allowed mount"),
        ("outside", "neither below the model store /store nor below an allowed mount"),
        ("/storehouse/m.gguf", "neither below"),
        ("../etc/passwd", "`..`"),
        ("/store/../etc/passwd", "`..`"),
        ("chat/m.gguf", "/store/chat/m.gguf does not exist"),
        ("/store/gone.gguf", "/store/gone.gguf does not exist"),
        ("twin", "model.ambiguous: 2 files match 'twin': /store/a/twin.gguf, /store/b/twin.gguf"),
        ("qwen3-4b-q4_k_n", "did you mean 'qwen3-4b-q4_k_m'?"),
        ("a\0b", "control character"),
        ("wholly-else", "put the file there"),
        ("own", "no model file 'own' below /store"),
    ],
)
def test_what_cannot_be_served_says_why_and_what_to_do(reference: str, words: str) -> None:
    problem = find(reference)
    assert isinstance(problem, ModelProblem)
    assert problem.reason == "ModelMissing"
    assert words in problem.message


def test_a_registry_is_read_as_far_as_it_makes_sense() -> None:
    rows = {
        "a": {"path": "/s/a.gguf", "mmproj": "/s/p.gguf"},
        "b": {"path": 3},
        "c": "x",
        "d": {"path": "d", "mmproj": 1},
    }
    rows |= {"e": {"path": "/s/\0.gguf"}, "f": {"path": "f", "mmproj": "/s/\0"}}
    assert registry_of({"models": rows}) == {"a": Entry("/s/a.gguf", "/s/p.gguf"), "d": Entry("d"), "f": Entry("f")}
    assert registry_of([]) == registry_of({"models": 3}) == {}
