"""What was admitted once is held against the policy in force now, in everything that a policy speaks of."""

import msgspec
import pytest

from hal0_operator.admission.policy import allows
from hal0_operator.model.launch import LaunchInputs
from hal0_operator.model.profile import FileRef, SecretRef
from hal0_operator.model.settings import Policy, Settings

WIDE = Settings(
    model_store="/models",
    policy=Policy(
        images=("ghcr.io", "localhost/"),
        mounts=("/etc",),
        devices=("/dev/sda",),
        secret_dirs=("/keys",),
        secrets=("*",),
    ),
)
GOOD = LaunchInputs(
    slot="chat",
    family="llama-server",
    type="llm",
    device="cpu",
    image="ghcr.io/me/llama:1",
    port=8101,
    mounts=("/models/lora:/lora:ro", "/etc/fonts:/fonts:ro"),
    devices=("/dev/sda",),
    env={"A": SecretRef("mine"), "B": FileRef("/keys/b"), "C": "c"},
)


def test_what_the_policy_allows_is_allowed():
    assert allows(GOOD, WIDE)


@pytest.mark.parametrize(
    "narrowed",
    [
        {"images": ("localhost/",)},
        {"images": ("ghcr.i",)},
        {"mounts": ()},
        {"devices": ()},
        {"secret_dirs": ()},
        {"secrets": ("hal0-*",)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_any_part_of_the_policy_may_forbid_it_now(narrowed):
    policy = msgspec.structs.replace(WIDE.policy, **narrowed)
    assert not allows(GOOD, msgspec.structs.replace(WIDE, policy=policy))
