"""Each rule, by the smallest home that breaks it: code, severity, file and line."""

import pytest

from hal0_operator.model.settings import Policy, Settings
from tests.admission.texts import codes, judge, slot, the

PROFILE = '[profile.mine]\nimage = "localhost/llama:1"\n'

CASES = {
    "a legacy backend alone is promoted with a warning": (
        {"slots/chat.toml": slot(backend="vulkan", model="m")},
        ("warning", "device.legacy_backend", "slots/chat.toml", 1),
    ),
    "a legacy backend beside another device loses with a warning": (
        {"slots/chat.toml": slot(device="gpu-vulkan", backend="rocm", model="m")},
        ("warning", "device.legacy_backend", "slots/chat.toml", 2),
    ),
    "a device of another kind than the profile is refused": (
        {"slots/chat.toml": slot(device="gpu-vulkan", profile="rocm-dnse", model="m-mtp")},
        ("error", "device.profile_incoherent", "slots/chat.toml", 2),
    ),
    "a contradiction is refused in a disabled slot too": (
        {"slots/chat.toml": slot(device="npu", profile="rocm", enabled=False)},
        ("error", "device.profile_incoherent", "slots/chat.toml", 2),
    ),
    "an unknown device is refused": (
        {"slots/chat.toml": slot(device="gpu-rocn", model="m")},
        ("error", "device.unknown", "slots/chat.toml", 1),
    ),
    "an unknown legacy backend is refused": (
        {"slots/chat.toml": slot(backend="cuda", model="m")},
        ("error", "device.unknown", "slots/chat.toml", 1),
    ),
    "an unknown profile of a slot that would run is refused": (
        {"slots/chat.toml": slot(profile="vulcan", model="m")},
        ("error", "profile.unknown", "slots/chat.toml", 1),
    ),
    "an unknown profile of a slot without a model is a warning": (
        {"slots/chat.toml": slot(profile="vulcan")},
        ("warning", "profile.unknown", "slots/chat.toml", 1),
    ),
    "an unknown profile of a disabled slot is a warning": (
        {"slots/chat.toml": slot(enabled=False, profile="vulcan", model="m")},
        ("warning", "profile.unknown", "slots/chat.toml", 2),
    ),
    "a retired profile name is mapped with a warning": (
        {"slots/chat.toml": slot(device="gpu-vulkan", profile="vulkan-std", model="m")},
        ("warning", "profile.retired", "slots/chat.toml", 2),
    ),
    "a profile whose runtime does not serve the type is refused": (
        {"slots/embed.toml": slot(device="cpu", model="m")},
        ("error", "profile.family_mismatch", "slots/embed.toml", 1),
    ),
    "such a profile of a slot without a model is a warning": (
        {"slots/embed.toml": slot(device="cpu")},
        ("warning", "profile.family_mismatch", "slots/embed.toml", 1),
    ),
    "a second chat slot on the NPU is refused": (
        {"slots/a.toml": slot(device="npu", model="m"), "slots/b.toml": slot(enabled=True, device="npu", model="m")},
        ("error", "npu.exclusive", "slots/b.toml", 2),
    ),
    "a record on the NPU without a chat slot is a warning": (
        {"slots/stt.toml": slot(device="npu")},
        ("warning", "npu.shadow", "slots/stt.toml", 1),
    ),
    "the legacy table without its record is a warning": (
        {"slots/npu.toml": slot(device="npu", model="m") + "[npu]\nasr = true\n"},
        ("warning", "npu.legacy_table", "slots/npu.toml", 5),
    ),
    "the legacy table against an enabled record is a warning": (
        {
            "slots/npu.toml": slot(device="npu", model="m") + "[npu]\nembed = false\n",
            "slots/embed.toml": slot(device="npu"),
        },
        ("warning", "npu.legacy_table", "slots/npu.toml", 5),
    ),
    "one port of two running slots is refused": (
        {"slots/a.toml": slot(port=9000, model="m"), "slots/b.toml": slot(enabled=True, port=9000, model="m")},
        ("error", "port.conflict", "slots/b.toml", 2),
    ),
    "the operator's own port is refused": (
        {"slots/a.toml": slot(port=8080, model="m")},
        ("error", "port.conflict", "slots/a.toml", 1),
    ),
    "an owned flag in extra_args is refused": (
        {"slots/a.toml": slot(model="m", extra_args="--jinja --port=1")},
        ("error", "flag.policy", "slots/a.toml", 4),
    ),
    "an owned flag in a profile is refused": (
        {"profiles.toml": PROFILE + 'flags = "-ngl 3"\n'},
        ("error", "flag.policy", "profiles.toml", 3),
    ),
    "another type's mode flag is refused": (
        {"slots/a.toml": slot(model="m", extra_args="--reranking")},
        ("error", "flag.policy", "slots/a.toml", 4),
    ),
    "a mode flag in a profile is refused for a slot of another type": (
        {"profiles.toml": PROFILE + 'flags = "--embeddings"\n', "slots/a.toml": slot(profile="mine", model="m")},
        ("error", "flag.policy", "profiles.toml", 3),
    ),
    "the type's own mode flag is dropped with a warning": (
        {"slots/embed.toml": slot(model="m", extra_args="--embeddings")},
        ("warning", "flag.redundant", "slots/embed.toml", 4),
    ),
    "the type's own mode flag in a profile is dropped with a warning": (
        {"profiles.toml": PROFILE + 'flags = "--rerank"\n', "slots/rerank.toml": slot(profile="mine", model="m")},
        ("warning", "flag.redundant", "profiles.toml", 3),
    ),
    "the NPU's role flags follow from records and are refused": (
        {"slots/npu.toml": slot(device="npu", model="m", extra_args="-a1")},
        ("error", "flag.policy", "slots/npu.toml", 5),
    ),
    "a variable that stands for a flag of the slot's is refused": (
        {"slots/a.toml": slot(model="m") + '[server.env]\nLLAMA_ARG_CTX_SIZE = "512"\n'},
        ("error", "flag.policy", "slots/a.toml", 4),
    ),
    "a variable that stands for a mode is refused in a profile too": (
        {"profiles.toml": PROFILE + 'env = { LLAMA_ARG_EMBEDDINGS = "1" }\n'},
        ("error", "flag.policy", "profiles.toml", 3),
    ),
    "an image of a registry that is not listed is refused": (
        {"profiles.toml": '[profile.mine]\nimage = "quay.io/x/y:1"\n'},
        ("error", "image.policy", "profiles.toml", 2),
    ),
    "an image without a registry is refused": (
        {"slots/a.toml": slot(image="llama:1", model="m")},
        ("error", "image.policy", "slots/a.toml", 1),
    ),
    "a mount outside the store is refused": (
        {"profiles.toml": PROFILE + 'mounts = ["/etc:/etc:ro"]\n'},
        ("error", "mount.policy", "profiles.toml", 3),
    ),
    "a writable mount is refused": (
        {"profiles.toml": PROFILE + 'mounts = ["{store}/lora:/lora"]\n'},
        ("error", "mount.policy", "profiles.toml", 3),
    ),
    "a mount that climbs out of the store is refused": (
        {"profiles.toml": PROFILE + 'mounts = ["{store}/../etc:/lora:ro"]\n'},
        ("error", "mount.policy", "profiles.toml", 3),
    ),
    "a device node of another kind is refused": (
        {"profiles.toml": PROFILE + 'devices = ["/dev/sda"]\n'},
        ("error", "device.policy", "profiles.toml", 3),
    ),
    "a secret of another name is refused": (
        {"profiles.toml": PROFILE + 'env = { A = { secret = "registry" } }\n'},
        ("error", "secret.policy", "profiles.toml", 3),
    ),
    "a secret file elsewhere is refused": (
        {"slots/a.toml": slot(model="m") + '[server.env]\nA = { file = "/etc/shadow" }\n'},
        ("error", "secret.policy", "slots/a.toml", 4),
    ),
    "a secret file that climbs out of its folder is refused": (
        {"slots/a.toml": slot(model="m") + '[server.env]\nA = { file = "/etc/hal0-operator/secrets/../x" }\n'},
        ("error", "secret.policy", "slots/a.toml", 4),
    ),
    "a literal secret in a profile is a warning": (
        {"profiles.toml": PROFILE + 'env = { HF_TOKEN = "hf_1" }\n'},
        ("warning", "profile.literal_secret", "profiles.toml", 3),
    ),
    "a literal secret in a slot is a warning": (
        {"slots/a.toml": slot(model="m") + '[server.env]\nAPI_KEY = "k"\n'},
        ("warning", "profile.literal_secret", "slots/a.toml", 4),
    ),
    "a literal secret in a profile's flags is a warning": (
        {"profiles.toml": PROFILE + 'flags = "--hf-token hf_1"\n'},
        ("warning", "profile.literal_secret", "profiles.toml", 3),
    ),
    "a literal secret in a slot's flags is a warning": (
        {"slots/a.toml": slot(model="m", extra_args="-hft hf_1")},
        ("warning", "profile.literal_secret", "slots/a.toml", 4),
    ),
    "a shipped profile's name in the file is ignored on import": (
        {"profiles.toml": '[profile.rocm]\nimage = "localhost/other:1"\n'},
        ("warning", "profiles.seed_ignored", "profiles.toml", 1),
    ),
    "keys that hal0 knew are listed": (
        {"slots/a.toml": slot(workers=4, pinned=True, model="m")},
        ("warning", "slot.key_ignored", "slots/a.toml", 2),
    ),
    "the weaker of two context sizes is named": (
        {"slots/a.toml": slot(model="m") + "context_size = 4096\nctx_size = 8192\n"},
        ("warning", "slot.key_ignored", "slots/a.toml", 3),
    ),
    "MTP for a model without heads is a warning": (
        {"slots/a.toml": slot(mtp=True, model="qwen3-4b")},
        ("warning", "slot.mtp_model", "slots/a.toml", 1),
    ),
    "MTP by the profile is a warning too": (
        {"slots/a.toml": slot(profile="rocm-dnse", model="qwen3-4b")},
        ("warning", "slot.mtp_model", "slots/a.toml", 1),
    ),
}


@pytest.mark.parametrize(("texts", "wanted"), CASES.values(), ids=CASES.keys())
def test_rule(texts, wanted):
    severity, code, file, line = wanted
    verdict = judge(texts)
    assert codes(verdict, severity) == [code], [p.message for p in verdict.problems]
    assert codes(verdict, "warning" if severity == "error" else "error") == []
    places = [(p.file, p.at.line if p.at else 0) for p in verdict.problems if p.code == code]
    assert (file, line) in places
    assert all(p.message and p.hint for p in verdict.problems)


CLEAN = {
    "the smallest slot": {"slots/chat.toml": slot(model="m")},
    "a backend that says what the device says": {"slots/a.toml": slot(backend="rocm", device="gpu-rocm", model="m")},
    "records repeat the NPU slot's port": {
        "slots/npu.toml": slot(device="npu", port=9000, model="m"),
        "slots/stt.toml": slot(device="npu", port=9000),
    },
    "a disabled slot repeats a port": {
        "slots/a.toml": slot(port=9000, model="m"),
        "slots/b.toml": slot(port=9000, model="m", enabled=False),
    },
    "a slot that has no container repeats a port": {
        "slots/a.toml": slot(port=9000, model="m"),
        "slots/b.toml": slot(port=9000),
    },
    "a custom without backend fits either GPU device": {
        "profiles.toml": PROFILE,
        "slots/a.toml": slot(device="gpu-vulkan", profile="mine", model="m"),
        "slots/b.toml": slot(device="gpu-rocm", profile="mine", model="m"),
    },
    "image generation runs on either GPU device": {
        "slots/a.toml": slot(type="image", device="gpu-vulkan", model="m"),
        "slots/img.toml": slot(device="gpu-rocm"),
    },
    "one of two NPU chat slots is disabled": {
        "slots/a.toml": slot(device="npu", model="m"),
        "slots/b.toml": slot(device="npu", model="m", enabled=False),
    },
    "an MTP model, in any spelling": {"slots/a.toml": slot(profile="rocm-moe", model="Qwen3-MTP.gguf")},
    "MTP turned off in the slot": {"slots/a.toml": slot(profile="rocm-dnse", mtp=False, model="qwen3-4b")},
    "flags that a slot may set": {"slots/a.toml": slot(model="m", extra_args="--jinja -t 4 --lora a --lora b")},
    "what the policy allows": {
        "profiles.toml": PROFILE
        + 'mounts = ["{store}/lora:/lora:ro"]\ndevices = ["/dev/dri/renderD128"]\n'
        + 'env = { A = { secret = "hal0-a" }, B = { file = "/etc/hal0-operator/secrets/b" } }\n',
    },
    "a name of an older hal0 that the home defines itself": {
        "profiles.toml": '[profile.rocm-mtp]\nimage = "localhost/llama:1"\n',
        "slots/a.toml": slot(profile="rocm-mtp", model="m"),
    },
}


@pytest.mark.parametrize("texts", CLEAN.values(), ids=CLEAN.keys())
def test_no_problem(texts):
    verdict = judge(texts)
    assert verdict.problems == ()
    assert verdict.slots.keys() == {name[6:-5] for name in texts if name.startswith("slots/")}


def test_defaults_are_filled_by_name_type_and_device():
    verdict = judge(
        {
            "slots/chat.toml": slot(model="m"),
            "slots/embed.toml": slot(device="gpu-vulkan", model="m"),
            "slots/tts.toml": slot(device="cpu"),
            "slots/img.toml": slot(enabled=True),
            "slots/npu.toml": slot(device="npu", model="m"),
            "slots/stt.toml": slot(backend="flm", port=9009),
        }
    )
    seen = {s.name: (s.type, s.device, s.profile, s.context_size, s.port) for s in verdict.slots.values()}
    assert seen == {
        "chat": ("llm", "gpu-rocm", "rocm", 8192, None),
        "embed": ("embedding", "gpu-vulkan", "vulkan", 8192, None),
        "tts": ("tts", "cpu", "tts", 8192, None),
        "img": ("image", "gpu-rocm", "comfyui", 8192, None),
        "npu": ("llm", "npu", "flm", 8192, None),
        "stt": ("transcription", "npu", "flm", 8192, 9009),
    }


def test_a_contradiction_names_the_two_ways_to_fix_it():
    problem = the(
        judge({"slots/utility.toml": slot(device="gpu-vulkan", profile="rocm-dnse", model="m-mtp")}),
        "device.profile_incoherent",
    )
    assert 'device = "gpu-rocm"' in problem.hint
    assert 'profile = "vulkan"' in problem.hint


def test_no_shipped_profile_for_the_cpu_is_said_plainly():
    problem = the(judge({"slots/embed.toml": slot(device="cpu", model="m")}), "profile.family_mismatch")
    assert "no shipped profile serves it on cpu" in problem.hint
    assert "gpu-vulkan" in problem.hint
    assert "kokoro" not in problem.hint


@pytest.mark.parametrize(
    "flag",
    "--port 1|--port=1|--por 1|--host x|--model=x|-m x|--alias y|-a y|-c 512|--ctx-size=512|--ctx_size 512"
    "|-ngl 3|--gpu-layers 3|--n-gpu-layers=3|--api-key k|--api-key=k|--hf-repo a/b|-hf a/b".split("|"),
)
def test_an_owned_flag_is_seen_through_every_spelling(flag):
    in_slot = judge({"slots/a.toml": slot(model="m", extra_args=f"--jinja {flag}")})
    in_profile = judge({"profiles.toml": PROFILE + f'flags = "{flag}"\n'})
    assert codes(in_slot) == codes(in_profile) == ["flag.policy"]
    assert "k" not in the(in_slot, "flag.policy").message.split("flag ")[1].split()[0].removeprefix("--api-key")


def test_a_port_conflict_is_told_at_both_files():
    verdict = judge({"slots/a.toml": slot(port=9000, model="m"), "slots/b.toml": slot(port=9000, model="m")})
    assert [(p.file, p.at.line) for p in verdict.problems] == [("slots/a.toml", 1), ("slots/b.toml", 1)]
    assert "slots/b.toml" in verdict.problems[0].message
    assert "slots/a.toml" in verdict.problems[1].message


def test_a_registry_is_not_matched_by_a_longer_one():
    settings = Settings(policy=Policy(images=("ghcr.io",)))
    good = {"profiles.toml": '[profile.mine]\nimage = "ghcr.io/x/y:1"\n'}
    bad = {"profiles.toml": '[profile.mine]\nimage = "ghcr.io.example/x/y:1"\n'}
    assert codes(judge(good, settings=settings)) == []
    assert codes(judge(bad, settings=settings)) == ["image.policy"]


def test_a_literal_secret_is_never_repeated():
    text = PROFILE + 'flags = "--hf-token canary-2 --api-key=canary-3"\nenv = { HF_TOKEN = "canary-1" }\n'
    verdict = judge({"profiles.toml": text})
    assert len(verdict.problems) == 3
    assert "canary" not in repr(verdict.problems)


@pytest.mark.parametrize(
    "image",
    [
        "localhost/",
        "localhost//x",
        "localhost/x:1:2",
        "localhost/$(id)",
        "localhost/x --privileged",
        "localhost/x@sha256:zz",
        "localhost/../x",
        "localhost/oci-archive:/etc/passwd",
        "localhost/Upper",
        "localhost/x\t",
        "localhost/x?y=1",
        "--volume=/:/x",
        "x",
    ],
)
def test_what_podman_would_not_take_for_an_image_is_refused(image):
    assert codes(judge({"slots/a.toml": slot(image=image, model="m")})) == ["image.policy"]


@pytest.mark.parametrize(
    "image",
    ["localhost/x", "localhost:5000/a/b-c__d.e:V1.2_3", f"ghcr.io/hal0ai/x:1@sha256:{'0' * 64}", "[::1]:5000/x:1"],
)
def test_what_podman_takes_for_an_image_passes(image):
    settings = Settings(policy=Policy(images=("localhost/", "localhost:5000/", "ghcr.io/hal0ai/", "[::1]:5000/")))
    assert codes(judge({"slots/a.toml": slot(image=image, model="m")}, settings=settings)) == []
