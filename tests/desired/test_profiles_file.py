"""profiles.toml adds to the seeds, and each entry stands or falls alone."""

import pytest

from hal0_operator.desired.profiles_file import parse_seeds
from hal0_operator.model.profile import Bench, Profile, SecretRef
from tests.desired.texts import CHECKOUT, SEEDS, snapshot

IMAGE = 'image = "ghcr.io/hal0ai/server:1"\n'
STRIX = "ghcr.io/hal0ai/amd-strix-halo-toolboxes:rocm-7.2.4-rocmfp4-server"


def profiles(text: str) -> dict[str, Profile]:
    taken = snapshot({"profiles.toml": text})
    assert taken.problems == ()
    return taken.profiles


def test_every_key_of_a_profile_lands_in_its_field() -> None:
    text = (
        '[profile.mine]\nimage = "ghcr.io/x/y:1"\nflags = "-fa on"\nmtp = true\ndevice_class = "gpu"\nbackend = "rocm"\n'
        'cloned_from = "rocm"\nintent = "tests"\nquant = "Q4"\nmounts = ["{store}/a:/a:ro", "/b:/c"]\n'
        'devices = ["/dev/kfd"]\nenv = { A = "1", B = { secret = "hal0-b" } }\n'
    )
    assert profiles(text)["mine"] == Profile(
        name="mine",
        image="ghcr.io/x/y:1",
        flags="-fa on",
        mtp=True,
        device_class="gpu",
        backend="rocm",
        cloned_from="rocm",
        intent="tests",
        quant="Q4",
        mounts=("{store}/a:/a:ro", "/b:/c"),
        devices=("/dev/kfd",),
        env={"A": "1", "B": SecretRef("hal0-b")},
    )


def test_an_empty_file_adds_nothing() -> None:
    assert profiles("") == {}
    assert profiles("[profile]\n") == {}


def test_a_broken_entry_leaves_its_neighbours() -> None:
    taken = snapshot({"profiles.toml": f"[profile.a]\n{IMAGE}[profile.b]\nflags = 3\n[profile.c]\n{IMAGE}"})
    assert list(taken.profiles) == ["a", "c"]
    assert taken.broken == {"profile/b"}
    assert not taken.broken_files
    assert {problem.parties for problem in taken.problems} == {("profile/b",)}


def test_a_file_that_is_no_toml_is_broken_as_a_whole() -> None:
    taken = snapshot({"profiles.toml": "[profile.a\n"})
    assert taken.broken_files == {"profiles.toml"}
    assert taken.profiles_file


def test_a_copy_of_a_seed_is_kept_as_declared_and_never_faulty() -> None:
    taken = snapshot({"profiles.toml": '[profile.rocm]\nrunner = "x"\nflags = "-fa off"\nport = 1\n'})
    assert taken.problems == ()
    assert taken.profiles["rocm"] == Profile(name="rocm", image=STRIX, flags="-fa off")


@pytest.mark.parametrize("klass", ["img", "gpu"])
def test_a_backend_goes_with_what_runs_on_a_gpu(klass: str) -> None:
    assert profiles(f'[profile.a]\n{IMAGE}device_class = "{klass}"\nbackend = "vulkan"\n')["a"].backend == "vulkan"


def test_a_backend_is_refused_by_the_class_that_the_image_implies() -> None:
    taken = snapshot({"profiles.toml": '[profile.a]\nimage = "ghcr.io/x/flm:1"\nbackend = "rocm"\n'})
    assert [problem.path for problem in taken.problems] == [("profile", "a", "backend")]


def test_the_seven_seeds_are_what_a_release_ships() -> None:
    assert list(SEEDS) == ["rocm", "rocm-dnse", "rocm-moe", "vulkan", "flm", "tts", "comfyui"]
    assert all(seed.seed for seed in SEEDS.values())
    figures = {name: seed.bench for name, seed in SEEDS.items() if seed.bench != Bench()}
    assert figures == {
        "rocm": Bench(tps=52.8),
        "rocm-dnse": Bench(tps=30.4),
        "rocm-moe": Bench(tps=90.0),
        "vulkan": Bench(tps=41.0),
        "flm": Bench(tps=38.6),
        "tts": Bench(rtf=0.18),
    }
    classes = {name: (seed.klass, seed.backend, seed.mtp, seed.family) for name, seed in SEEDS.items()}
    assert classes == {
        "rocm": ("gpu", "rocm", False, "llama-server"),
        "rocm-dnse": ("gpu", "rocm", True, "llama-server"),
        "rocm-moe": ("gpu", "rocm", True, "llama-server"),
        "vulkan": ("gpu", "vulkan", False, "llama-server"),
        "flm": ("npu", None, False, "flm"),
        "tts": ("cpu", None, False, "kokoro"),
        "comfyui": ("img", None, False, "comfyui"),
    }


def test_a_release_with_a_faulty_seed_says_where() -> None:
    good = (CHECKOUT / "seeds/profiles.toml").read_bytes()
    with pytest.raises(ValueError, match=r"seeds/profiles\.toml:\d+:1: unknown key `profile\.rocm\.mpt`"):
        parse_seeds(good.replace(b"mtp", b"mpt", 1))


def test_a_file_of_endless_faults_lists_a_hundred_and_breaks_every_entry() -> None:
    taken = snapshot({"profiles.toml": "".join(f'[profile.p{index}]\nimgae = "x"\n' for index in range(300))})
    assert len(taken.problems) == 101
    assert len(taken.broken) == 300
