"""capabilities.toml: selections as written, older versions promoted."""

from hal0_operator.desired.faults import Faults
from hal0_operator.desired.overlay_file import decode_selection
from hal0_operator.model.capability import CHILDREN, Selection
from tests.desired.texts import snapshot


def selections(text: str) -> dict[str, Selection]:
    taken = snapshot({"capabilities.toml": text})
    assert taken.problems == ()
    return taken.selections


def test_a_selection_lands_in_its_fields() -> None:
    text = (
        'schema_version = 2\n[selections.voice.tts]\nenabled = true\ndevice = "cpu"\nmodel = "k"\nprovider = "kokoro"\n'
    )
    assert selections(text) == {
        "voice.tts": Selection(group="voice", child="tts", enabled=True, device="cpu", model="k", provider="kokoro")
    }


def test_blank_text_is_no_opinion() -> None:
    (row,) = selections('[selections.voice.stt]\ndevice = ""\nmodel = ""\nprovider = ""\nenabled = false\n').values()
    assert row.is_blank


def test_a_backend_is_promoted_to_its_device() -> None:
    row = selections('[selections.embed.embed]\nbackend = "vulkan"\nenabled = true\n')["embed.embed"]
    assert row.device == "gpu-vulkan"


def test_a_device_counts_before_a_backend() -> None:
    row = selections('[selections.embed.embed]\nbackend = "vulkan"\ndevice = "npu"\n')["embed.embed"]
    assert row.device == "npu"


def test_dotted_and_inline_selections_mean_the_same() -> None:
    header = snapshot({"capabilities.toml": '[selections.voice.tts]\nenabled = true\ndevice = "cpu"\n'})
    dotted = 'selections.voice.tts.enabled = true\nselections.voice.tts.device = "cpu"\n'
    inline = 'selections = { voice = { tts = { device = "cpu", enabled = true } } }\n'
    assert snapshot({"capabilities.toml": dotted}).digest == header.digest
    assert snapshot({"capabilities.toml": inline}).digest == header.digest


def test_an_unknown_version_breaks_the_whole_file() -> None:
    taken = snapshot({"capabilities.toml": "schema_version = 9\n[selections.voice.tts]\nenabled = true\n"})
    assert taken.broken_files == {"capabilities.toml"}
    assert taken.selections == {}


def test_a_bad_selection_leaves_its_neighbours() -> None:
    taken = snapshot(
        {"capabilities.toml": "[selections.voice]\ntts.enabled = 1\nstt.enabled = true\nsst.enabled = true\n"}
    )
    assert list(taken.selections) == ["voice.stt"]
    assert taken.broken == {"capability/voice.tts"}
    assert {problem.parties for problem in taken.problems} == {("capability/voice.tts",), ("capability/voice.sst",)}


def test_a_requests_body_is_read_by_the_same_rules() -> None:
    faults = Faults("", "capability.schema")
    assert decode_selection(CHILDREN["voice.tts"], {"backend": "kokoro", "model": ""}, faults) == Selection(
        group="voice", child="tts", device="cpu"
    )
    assert decode_selection(CHILDREN["voice.tts"], {"model": ["x"], "enabled": None}, faults) is None
    assert [problem.path for problem in faults.problems] == [("model",), ("enabled",)]


def test_a_model_that_its_server_would_take_for_a_flag_is_refused() -> None:
    (problem,) = snapshot({"capabilities.toml": '[selections.voice.stt]\nmodel = "--port=1"\n'}).problems
    assert (problem.code, problem.path) == ("capability.schema", ("selections", "voice", "stt", "model"))
