"""A chat model that does not start with a record's flag, and roles that do not answer: all else is served.

The simulator of FLM refuses ``--asr`` beside one of its chat models, as the real one does.
"""

import pytest

from tests.e2e.awaited import all_ready, condition, container_id
from tests.e2e.test_gateway import HELLO, asking, failure
from tests.e2e.test_gateway_npu import CHAT, EMBED, transcribed
from tests.e2e.test_npu import TAG, npu, shadow  # noqa: F401 - a fixture
from tests.images.build import FLM
from tests.support.operator_process import OperatorProcess, Slots

DEAF = "gemma4-it:e2b"
WHISPER, GEMMA = "whisper-v3:turbo", "embed-gemma:300m"


@pytest.fixture
def deaf(npu: OperatorProcess) -> OperatorProcess:  # noqa: F811
    """A chat model that does not start with speech, the record of that off, all Ready."""
    chat_model(npu, DEAF)
    shadow(npu, "stt", WHISPER, enabled=False)
    npu.start()
    npu.until(lambda slots: len(slots) == 3 and slots["stt"]["phase"] == "Off" and all_wanted(slots))
    return npu


def chat_model(operator: OperatorProcess, tag: str) -> None:
    model = {"default": tag, "context_size": 4096}
    operator.home.slot("npu", device="npu", profile="sim", port=operator.home.ports[0], model=model)


def all_wanted(slots: Slots) -> bool:
    return all_ready({name: slot for name, slot in slots.items() if slot["enabled"]})


def answers(operator: OperatorProcess) -> dict[str, int]:
    """The status that each of the three roles answers with."""
    found = {}
    for role, path, body in (("npu", CHAT, {"messages": HELLO}), ("embed", EMBED, {"input": "x"})):
        with asking(operator, path, body | {"model": role}) as answer:
            found[role] = answer.status
            answer.read()
    return found | {"stt": transcribed(operator, "stt")[0]}


def test_a_record_whose_flag_is_rejected_is_named_refused_and_over_when_it_is_off_or_the_model_another(
    deaf: OperatorProcess,
) -> None:
    shadow(deaf, "stt", WHISPER)
    told = deaf.until_condition("stt", "FlagsRejected")["message"]
    for word in ("slot npu", "--asr of voice.stt (slots/stt.toml)", "CREATE_HWCTX IOCTL failed (err=-22)", "--off"):
        assert word in told
    slots = deaf.until(lambda slots: (slots["npu"]["phase"], slots["stt"]["phase"]) == ("Ready", "Degraded"))
    assert (condition(slots["stt"], "Ready")["status"], condition(slots["stt"], "Ready")["reason"]) == (
        "False",
        "FlagsRejected",
    )
    assert "voice.stt" in condition(slots["npu"], "RolledBack")["message"]
    assert answers(deaf) == {"npu": 200, "embed": 200, "stt": 503}
    status, body = transcribed(deaf, "stt")
    error = body["error"]
    assert (status, error["code"], error["details"]["record"]) == (503, "npu.trio_unavailable", "stt")
    assert error["details"]["reason"] == f"FlagsRejected: {told}"
    argv = deaf.stub("npu")["argv"]
    assert "--embed" in argv and "--asr" not in argv

    assert "FlagsRejected" in deaf.hal0ctl("describe", "stt").stdout
    assert "voice.stt" in next(line for line in deaf.hal0ctl("get", "slots").stdout.splitlines() if "stt" in line)
    assert "flag of this record" in deaf.hal0ctl("explain", "FlagsRejected").stdout

    serving = deaf.cid("npu")
    shadow(deaf, "stt", WHISPER, enabled=False)
    slots = deaf.until(lambda slots: slots["stt"]["phase"] == "Off" and not condition(slots["npu"], "RolledBack"))
    assert not condition(slots["stt"], "FlagsRejected")
    assert deaf.cid("npu") == serving
    shadow(deaf, "stt", WHISPER)
    deaf.until_condition("stt", "FlagsRejected")
    assert deaf.cid("npu") == serving, "the rejected flags were tried again unasked"

    chat_model(deaf, TAG)
    deaf.until(lambda slots: container_id(slots["npu"]) not in ("", serving) and all_wanted(slots))
    assert answers(deaf) == {"npu": 200, "embed": 200, "stt": 200}


def test_of_two_records_that_were_switched_on_at_once_each_says_so_and_chat_is_served(deaf: OperatorProcess) -> None:
    before = deaf.cid("npu")
    shadow(deaf, "embed", GEMMA, enabled=False)
    deaf.until(lambda slots: container_id(slots["npu"]) not in ("", before) and all_wanted(slots))
    assert deaf.hal0ctl("suspend", "npu").returncode == 0
    shadow(deaf, "stt", WHISPER)
    shadow(deaf, "embed", GEMMA)
    deaf.until(lambda slots: slots["stt"]["enabled"] and slots["embed"]["enabled"])
    assert deaf.hal0ctl("resume", "npu").returncode == 0
    for slot, own, other in (("stt", "voice.stt", "embed.embed"), ("embed", "embed.embed", "voice.stt")):
        told = deaf.until_condition(slot, "FlagsRejected")["message"]
        assert f"of {own} " in told.partition(": ")[0]
        assert f"of {other} " in told.partition("new with it")[2]
    deaf.until_phase("npu", "Ready")
    assert answers(deaf) == {"npu": 200, "embed": 503, "stt": 503}


@pytest.mark.parametrize(("role", "variable"), [("embed", "STUB_EMBEDDINGS"), ("asr", "STUB_TRANSCRIPTION")])
def test_a_role_that_does_not_answer_leaves_the_others_served(npu: OperatorProcess, role: str, variable: str) -> None:  # noqa: F811
    npu.home.profile("sim", image=FLM, device_class="npu", env={variable: "500"})
    npu.start()
    assert role in condition(npu.until_phase("npu", "Degraded"), "Ready")["message"]
    record = {"embed": "embed", "asr": "stt"}[role]
    assert answers(npu) == {"npu": 200, "embed": 200, "stt": 200} | {record: 503}


def test_a_chat_that_does_not_answer_leaves_the_records_served(npu: OperatorProcess) -> None:  # noqa: F811
    npu.home.profile("sim", image=FLM, device_class="npu", env={"STUB_CHAT": "500"})
    npu.start()
    assert "chat" in condition(npu.until_phase("npu", "Degraded"), "Ready")["message"]
    assert answers(npu) == {"npu": 500, "embed": 200, "stt": 200}


def test_a_process_that_dies_of_a_fault_takes_all_three_roles_with_it_and_each_says_which_slot_and_why(
    npu: OperatorProcess,  # noqa: F811
) -> None:
    env = {"STUB_READY_AFTER": "60", "STUB_EXIT_AFTER": "0.2", "STUB_EXIT_CODE": "139"}
    npu.home.profile("sim", image=FLM, device_class="npu", env=env)
    npu.start()
    npu.until_phase("npu", "CrashLoop")
    assert answers(npu) == {"npu": 503, "embed": 503, "stt": 503}
    _, error, _ = failure(npu, CHAT, {"model": "npu", "messages": HELLO})
    for told in (error, failure(npu, EMBED, {"model": "embed", "input": "x"})[1], transcribed(npu, "stt")[1]["error"]):
        assert told["code"] == "npu.trio_unavailable"
        assert (told["details"]["slot"], told["details"]["phase"]) == ("npu", "CrashLoop")
        assert "failed" in told["details"]["reason"]
