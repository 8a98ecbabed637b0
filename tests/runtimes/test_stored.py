"""Launch inputs are stored in the state directory and read again after a restart."""

import msgspec

from hal0_operator.model.launch import LaunchInputs
from hal0_operator.model.profile import FileRef, SecretRef


def test_inputs_with_every_kind_of_environment_value_survive_being_stored() -> None:
    env = {"PLAIN": "text", "TOKEN": SecretRef("hal0-hf"), "KEY": FileRef("/etc/hal0-operator/secrets/vendor")}
    inputs = LaunchInputs(
        slot="chat", family="llama-server", type="llm", device="cpu", image="localhost/x:1", port=8101, env=env
    )
    assert msgspec.json.decode(msgspec.json.encode(inputs), type=LaunchInputs) == inputs
