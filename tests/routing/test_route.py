"""Where a request goes: a table of homes, states and requests."""

import pytest

from hal0_operator.routing.endpoints import DEFAULT_SLOT, ENDPOINTS
from hal0_operator.routing.failure import Failure
from hal0_operator.routing.route import LOAD_FIRST, Route
from hal0_operator.routing.standing import Standing
from tests.routing.homes import CHAT, EMBED, HEAR, NPU_READY, SPEAK, Home, npu, slot, trio, usual


@pytest.mark.parametrize(
    ("path", "slot"),
    [
        (CHAT, "chat"),
        ("/v1/completions", "chat"),
        (EMBED, "embed"),
        ("/v1/rerank", "embed-rerank"),
        ("/v1/reranking", "embed-rerank"),
        ("/v1/rerankings", "embed-rerank"),
        (HEAR, "stt"),
        (SPEAK, "tts"),
    ],
)
def test_a_request_without_a_model_goes_to_the_slot_of_its_type(path: str, slot: str) -> None:
    for model in (None, "", "  "):
        assert usual().goes(path, model) == slot
    assert slot in DEFAULT_SLOT.values()


def test_without_the_usual_slot_the_only_enabled_one_of_the_type_answers() -> None:
    assert Home(slot("llm-7"), slot("off", enabled=False)).goes() == "llm-7"
    assert Home(slot("chat", enabled=False), slot("llm-7")).goes() == "llm-7"
    assert Home(slot("chat", "embedding"), slot("llm-7")).goes() == "llm-7"


def test_without_a_model_nothing_is_guessed_among_several() -> None:
    found = Home(slot("b"), slot("a"), slot("off", enabled=False)).ask()
    assert isinstance(found, Failure)
    assert (found.status, found.code) == (400, "request.invalid")
    assert "a, b" in found.message


def test_without_any_slot_of_the_type_it_is_unknown() -> None:
    assert Home(slot("chat")).goes(EMBED) == "404 slot.unknown"
    assert Home().goes() == "404 slot.unknown"


def test_when_the_only_slot_of_the_type_is_off_it_says_so() -> None:
    home = Home(slot("chat", enabled=False)).stand("chat", "Off")
    assert home.goes() == "503 slot.disabled"


@pytest.mark.parametrize("model", ["code", "hal0/code", "coder", " code "])
def test_a_model_may_be_a_slot_or_a_model_id(model: str) -> None:
    assert usual().goes(model=model) == "code"


def test_the_name_of_a_slot_wins_over_the_same_model_id() -> None:
    assert Home(slot("a", model="b"), slot("b", model="x")).goes(model="b") == "b"


@pytest.mark.parametrize(
    ("model", "hint"), [("cody", "code"), ("nothing-like-it", "chat, code"), ("x" * 100_000, "chat")]
)
def test_an_unknown_model_is_told_what_there_is_and_not_repeated(model: str, hint: str) -> None:
    found = usual().ask(model=model)
    assert isinstance(found, Failure)
    assert (found.status, found.code) == (404, "slot.unknown")
    assert hint in found.message
    assert len(found.message) < 500


@pytest.mark.parametrize("model", ["embed", "hal0/embed", "bge"])
def test_a_slot_of_another_type_is_the_wrong_one(model: str) -> None:
    found = usual().ask(CHAT, model)
    assert isinstance(found, Failure)
    assert (found.status, found.code, found.details) == (400, "request.invalid", {"slot": "embed"})


def test_of_two_slots_with_one_model_the_ready_one_answers_and_always_the_same() -> None:
    home = Home(slot("b", model="qwen"), slot("a", model="qwen"), slot("c", "embedding", model="qwen"))
    assert home.goes(model="qwen") == "a"
    assert home.goes(EMBED, "qwen") == "c"
    home.stand("a", "Starting")
    assert home.goes(model="qwen") == "b"
    home.stand("b", "Idle", wakes=True)
    assert home.goes(model="qwen") == "b"
    home.stand("b", "Starting")
    assert home.goes(model="qwen") == "503 slot.not_ready"
    home.slots["a"] = slot("a", model="qwen", enabled=False)
    home.stand("a", "Off").stand("b", "CrashLoop")
    assert home.goes(model="qwen") == "503 slot.not_ready"


def test_a_slot_that_can_be_woken_is() -> None:
    found = usual().stand("chat", "Idle", wakes=True).ask()
    assert isinstance(found, Route)
    assert (found.slot, found.wake) == ("chat", True)


@pytest.mark.parametrize(
    ("phase", "retry_s", "code"),
    [
        ("Starting", 3.2, "slot.not_ready"),
        ("CrashLoop", 60.0, "slot.not_ready"),
        ("Removing", 1.0, "slot.not_ready"),
        ("Blocked", None, "slot.not_ready"),
        ("Off", None, "slot.disabled"),
        ("Denied", None, "slot.denied"),
    ],
)
def test_a_slot_that_does_not_serve_says_why_and_when_to_come_again(phase: str, retry_s: float, code: str) -> None:
    found = usual().stand("chat", phase, why="a reason", retry_s=retry_s).ask()
    assert isinstance(found, Failure)
    assert (found.status, found.code) == (503, code)
    assert found.details == {"slot": "chat", "phase": phase, "reason": "a reason"}
    assert "a reason" in found.message
    expected = {3.2: "4", 60.0: "60", 1.0: "1", None: ""}[retry_s]
    assert found.retry_after == expected


@pytest.mark.parametrize(
    ("path", "model", "slot", "asked"),
    [
        (CHAT, None, "brain", "gemma3:1b"),
        (CHAT, "brain", "brain", "gemma3:1b"),
        (HEAR, None, "ears", "whisper-v3:turbo"),
        (HEAR, "hal0/ears", "ears", "whisper-v3:turbo"),
        (EMBED, "numbers", "numbers", "embed-gemma:300m"),
    ],
)
def test_a_record_is_answered_by_the_npu_chat_slot_under_its_own_model(
    path: str, model: str, slot: str, asked: str
) -> None:
    found = trio().ask(path, model)
    assert isinstance(found, Route)
    assert (found.slot, found.server.slot, found.model) == (slot, "brain", asked)
    assert found.standing == NPU_READY


def test_a_slot_named_like_a_record_of_old_is_none_when_its_device_is_another() -> None:
    home = Home(slot("stt-npu", "transcription"), slot("embed-npu", "embedding"))
    assert home.goes(HEAR) == "stt-npu"
    home.stand("stt-npu", "Starting")
    assert home.goes(HEAR) == "503 slot.not_ready"


@pytest.mark.parametrize(("path", "record"), [(CHAT, None), (HEAR, "ears"), (EMBED, "numbers")])
@pytest.mark.parametrize(("phase", "retry_s"), [("Starting", 2.0), ("Off", None), ("Denied", None)])
def test_without_the_npu_its_roles_tell_to_load_it_first(
    path: str, record: str | None, phase: str, retry_s: float
) -> None:
    found = trio().stand("brain", phase, why="a reason", retry_s=retry_s).ask(path)
    assert isinstance(found, Failure)
    assert (found.status, found.code) == (503, "npu.trio_unavailable")
    assert LOAD_FIRST in found.message
    assert found.details == {"endpoint": path, "slot": "brain", "record": record, "phase": phase, "reason": "a reason"}
    assert bool(found.retry_after) == (retry_s is not None)


def test_a_record_without_any_npu_chat_slot_tells_to_load_one_first() -> None:
    found = Home(npu("ears", "transcription", anchor="")).ask(HEAR)
    assert isinstance(found, Failure)
    assert found.code == "npu.trio_unavailable"
    assert (found.details["slot"], found.details["record"], found.details["phase"]) == (None, "ears", None)
    assert LOAD_FIRST in found.message
    assert found.retry_after == ""


def test_a_record_that_is_off_is_a_slot_that_is_off() -> None:
    assert trio(enabled=False).goes(HEAR) == "503 slot.disabled"
    assert trio(enabled=False).goes(CHAT) == "brain"


def test_a_role_that_failed_is_not_ready_and_the_others_are() -> None:
    home = trio()
    home.stands["brain"] = Standing(phase="Degraded", container="npu-id", port=8090, failed_roles=("asr",), retry_s=10)
    assert home.goes(HEAR) == "503 slot.not_ready"
    assert home.goes(EMBED) == "numbers"
    assert home.goes(CHAT) == "brain"


def test_a_role_whose_flag_was_rejected_is_the_npus_own_refusal_with_the_records_reason() -> None:
    home = trio().stand("ears", "Degraded", why="slot brain did not start with --asr")
    roles = {"failed_roles": ("asr",), "rejected_roles": ("asr",)}
    home.stands["brain"] = Standing(phase="Ready", container="npu-id", port=8090, **roles)
    found = home.ask(HEAR)
    assert isinstance(found, Failure)
    assert (found.status, found.code, found.retry_after) == (503, "npu.trio_unavailable", "")
    assert f"{LOAD_FIRST} that starts with --asr" in found.message
    reason = "FlagsRejected: slot brain did not start with --asr"
    assert found.details == {"endpoint": HEAR, "slot": "brain", "record": "ears", "phase": "Ready", "reason": reason}
    assert (home.goes(EMBED), home.goes(CHAT)) == ("numbers", "brain")


def test_of_two_slots_with_one_model_id_the_one_that_answers_is_taken_before_a_role_that_does_not() -> None:
    home = Home(npu("brain"), npu("a-record", "embedding", model="bge"), slot("z", "embedding", model="bge"))
    assert home.goes(EMBED, "bge") == "a-record"
    home.stands["brain"] = Standing(phase="Degraded", container="npu-id", port=8090, failed_roles=("embed",))
    assert home.goes(EMBED, "bge") == "z"


def test_an_answer_that_may_be_changed_as_a_whole_never_follows_heartbeats() -> None:
    assert not [path for path, endpoint in ENDPOINTS.items() if endpoint.streams and endpoint.role == "embed"]
    assert {path for path, endpoint in ENDPOINTS.items() if endpoint.streams} == {CHAT, "/v1/completions", HEAR}


def test_the_envelope_of_an_error_is_openais() -> None:
    failure = Failure(503, "slot.not_ready", "wait", {"slot": "chat"}, 0.2)
    assert failure.body == (
        b'{"error":{"code":"slot.not_ready","message":"wait","type":"server_error","details":{"slot":"chat"}}}'
    )
    assert failure.retry_after == "1"
    assert b'"details":{"slot":"chat","retry_after":1}}' in failure.event
    assert Failure(404, "slot.unknown", "no").event == Failure(404, "slot.unknown", "no").body
    assert b'"type":"not_found_error"' in Failure(404, "slot.unknown", "no").body
    assert b'"type":"invalid_request_error"' in Failure(400, "request.invalid", "no").body
