"""Nothing that is shown gives a secret away."""

import pytest

from hal0_operator.model.launch import LaunchInputs
from hal0_operator.model.memory import LastExit
from hal0_operator.model.profile import FileRef, SecretRef
from hal0_operator.runtimes.diff import field_diff
from hal0_operator.runtimes.exits import last_exit, lines_without_secrets
from hal0_operator.runtimes.secrets import MASK, literal_secrets, masked, masked_row

INPUTS = LaunchInputs(
    slot="chat",
    family="llama-server",
    type="llm",
    device="cpu",
    image="localhost/stub:1",
    port=8101,
    flags=("--hf-token", "canary-profile"),
    extra_args=("-hft", "canary-slot", "--threads", "4"),
    env={"HF_TOKEN": SecretRef("hal0-hf"), "CERT": FileRef("/etc/x"), "PLAIN": "seen"},
)


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("HF_TOKEN=canary with spaces", f"HF_TOKEN={MASK}"),
        ("export HF_TOKEN='canary' PLAIN=seen", f"export HF_TOKEN={MASK} PLAIN=seen"),
        ('{"HF_TOKEN": "can\\"ary", "PLAIN": "seen"}', f'{{"HF_TOKEN": {MASK}, "PLAIN": "seen"}}'),
        ("environ({'CERT': 'canary', 'PLAIN': 'seen'})", f"environ({{'CERT': {MASK}, 'PLAIN': 'seen'}})"),
        ("HF_TOKEN: canary", f"HF_TOKEN: {MASK}"),
        ("NOT_HF_TOKEN=seen PLAIN=seen", "NOT_HF_TOKEN=seen PLAIN=seen"),
        ("HF_TOKEN is not set", "HF_TOKEN is not set"),
    ],
)
def test_a_value_that_only_podman_knows_is_masked_where_its_variable_is_printed(printed: str, shown: str) -> None:
    assert lines_without_secrets((printed,), INPUTS) == (shown,)
    exit = last_exit(LastExit("id", 1, lines=(printed, f"error: {printed}")), INPUTS)
    assert "canary" not in repr(exit)


def test_the_value_of_a_secret_flag_is_a_secret_wherever_it_is_printed() -> None:
    assert literal_secrets(INPUTS) == ("canary-profile", "canary-slot")
    assert lines_without_secrets(("argv: --hf-token canary-profile canary-slot 4",), INPUTS) == (
        f"argv: --hf-token {MASK} {MASK} 4",
    )


def test_the_password_of_an_address_is_a_secret_wherever_it_is_printed() -> None:
    inputs = LaunchInputs(
        slot="chat",
        family="llama-server",
        type="llm",
        device="cpu",
        image="localhost/stub:1",
        port=8101,
        flags=("--model-url", "https://me:canary@host/m.gguf"),
        env={"HTTPS_PROXY": "http://me:canary2@proxy:3128"},
    )
    lines = ("loading https://me:canary@host/m.gguf", "proxy is me:canary2@proxy")
    assert lines_without_secrets(lines, inputs) == (f"loading https://{MASK}@host/m.gguf", f"proxy is {MASK}@proxy")
    assert masked(inputs.flags) == ("--model-url", "https://*********@host/m.gguf")
    assert "canary" not in repr(field_diff(None, inputs))


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ('HF_TOKEN = "canary"  # mine', 'HF_TOKEN = "******"  # mine'),
        ("  'my-key'='canary'", "  'my-key'='******'"),
        ('env = { A_KEY = "ca\\"ry", B = "seen" }', 'env = { A_KEY = "******", B = "seen" }'),
        ('env = { A_KEY = { secret = "hal0-x" } }', 'env = { A_KEY = { secret = "hal0-x" } }'),
        ('flags = "-hft \\"can ary\\" --threads 4"', 'flags = "-hft *********** --threads 4"'),
        ('extra_args = "--api-key=canary"', 'extra_args = "--api-key=*******'),
        ('A_TOKEN = "canary not closed', 'A_TOKEN = "*****************'),
        ("A_TOKEN = can ary  # mine", "A_TOKEN = *********# mine"),
        ('flags = "--hf-token=canary --threads 4"', 'flags = "--hf-token=****** --threads 4"'),
        ("env FOO=bar A_KEY='canary' B = 1", "env FOO=bar A_KEY='******' B = 1"),
        ("env = { A_KEY = canary, B = 1 }", "env = { A_KEY = ******, B = 1 }"),
        ('flags = "--threads 4"', 'flags = "--threads 4"'),
        ("url='https://me:canary@host/x'", "url='https://*********@host/x'"),
    ],
)
def test_a_line_of_a_file_is_shown_with_stars_in_place_of_secrets_and_its_columns(row: str, shown: str) -> None:
    assert masked_row(row) == shown
    assert len(masked_row(row)) == len(row)


def test_a_line_of_a_quarter_of_a_million_letters_is_masked_at_once() -> None:
    for piece in ("a", "-", "a ", '"', "-a ", "TOKEN=", "--token =", "TOKEN", "TOKEN ="):
        row = piece * (262_144 // len(piece))
        assert len(masked_row(row)) == len(row)
