"""Speech and image generation: each family is started and judged in its own way."""

import urllib.request

from tests.e2e.awaited import condition, converged
from tests.images.build import COMFYUI, KOKORO
from tests.support.operator_process import OperatorProcess


def only(operator: OperatorProcess, name: str, **keys: object) -> None:
    for slot in ("chat", "code", "util"):
        operator.home.delete(f"slots/{slot}.toml")
    operator.home.slot(name, port=operator.home.ports[0], **keys)


def test_speech_is_ready_when_its_model_is_loaded_and_not_before(operator: OperatorProcess) -> None:
    """The server calls itself healthy from its first moment."""
    operator.home.profile("voice", image=KOKORO, env={"STUB_READY_AFTER": "2"})
    only(operator, "tts", profile="voice", model=None)
    operator.start()
    loading = operator.until(
        lambda slots: "tts" in slots and "load" in condition(slots["tts"], "Ready")["message"].lower()
    )["tts"]
    assert loading["phase"] == "Starting"
    operator.until_phase("tts", "Ready")
    speech = f"http://127.0.0.1:{operator.home.ports[0]}/v1/audio/speech"
    with urllib.request.urlopen(speech, data=b'{"input": "hello"}', timeout=30) as answer:
        assert answer.read(4) == b"RIFF"


def test_image_generation_starts_through_a_login_shell_with_folders_of_its_own(operator: OperatorProcess) -> None:
    operator.home.profile("draw", image=COMFYUI, device_class="img", flags="--disable-mmap --cache-none")
    only(operator, "img", device="gpu-vulkan", profile="draw", model=None)
    operator.start()
    converged(operator)
    (command,) = (row["Command"] for row in operator.containers().values())
    assert command[:2] == ["bash", "-lc"]
    argv = operator.stub("img")["argv"]
    assert argv[argv.index("--port") + 1] == str(operator.home.ports[0])
    assert argv[-2:] == ["--disable-mmap", "--cache-none"]
    assert (operator.store / "comfyui" / "output").is_dir()
