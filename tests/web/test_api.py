"""What each resource answers, and what becomes of a wish."""

import json

import jsonschema
import msgspec
import pytest

from hal0_operator.loop.view import Refused
from hal0_operator.model.problem import Problem
from hal0_operator.model.profile import Profile
from hal0_operator.model.status import FieldDiff
from hal0_operator.web.app import RESOURCES
from hal0_operator.web.catalogue import profile_bodies
from tests.support.fake_operator import changed, condition, event, problem, slot

pytestmark = pytest.mark.anyio

HOSTILE = "\x1b[2J\u202e\ud7ff<script>&\"'\\\n"


async def body(ask, path, **kwargs):
    got = await ask("GET", path, **kwargs)
    assert got.status_code == 200, got.text
    return got.json()


async def test_slots_have_the_fields_of_the_contract(ask):
    items = (await body(ask, "/api/slots"))["items"]
    assert [item["name"] for item in items] == ["chat", "code"]
    contract = set(
        "name type device backend profile model port enabled phase generation observedGeneration container restarts"
        " nextRetryAt conditions".split()
    )
    assert contract <= items[0].keys()
    assert items[0]["container"].keys() == {"id", "name", "image", "startedAt"}
    assert items[0]["conditions"][0].keys() == {
        "type",
        "status",
        "reason",
        "message",
        "lastTransitionTime",
        "observedGeneration",
    }


async def test_a_slot_without_a_container_says_null(ask, operator):
    operator.put(slot("chat", "Off", container=None, port=None, model=None))
    item = (await body(ask, "/api/slots"))["items"][0]
    assert (item["container"], item["port"], item["model"]) == (None, None, None)


async def test_a_detail_extends_the_item_of_the_list(ask, operator):
    operator.extra = {
        "argv": (("--ctx-size 4096", "slot"), ("-fa on", "profile rocm")),
        "problems": (problem(),),
        "last_exit_lines": ("error: no such flag",),
        "suspended_by": "anna",
        "events": (event("up"),),
    }
    item = (await body(ask, "/api/slots"))["items"][0]
    detail = await body(ask, "/api/slots/chat")
    assert item.items() <= detail.items()
    assert detail["argv"][1] == {"token": "-fa on", "from": "profile rocm"}
    assert detail["problems"] == [
        {
            "severity": "error",
            "code": "device.unknown",
            "file": "slots/chat.toml",
            "line": 2,
            "column": 10,
            "path": "device",
            "message": "`gpu-rcom` is no device",
            "hint": "did you mean gpu-rocm?",
        }
    ]
    assert detail["lastExitLines"] == ["error: no such flag"]
    assert detail["suspendedBy"] == "anna"


async def test_profiles_have_the_fields_of_the_contract(ask):
    items = {item["name"]: item for item in (await body(ask, "/api/profiles"))["items"]}
    assert list(items) == ["rocm", "tts"]
    rocm = items["rocm"]
    assert set(rocm) == set(
        "name image flags resolved_flags mtp device_class backend runtime_family slot_types seed cloned_from intent"
        " quant bench used_by".split()
    )
    assert rocm["resolved_flags"].startswith("-fa on --threads 8 --spec-type draft-mtp --spec-draft-device ROCm0 ")
    assert rocm["slot_types"] == ["llm", "embedding", "reranking"]
    assert rocm["bench"] == {"tps": 52.8, "rtf": None}
    assert rocm["used_by"] == ["chat", "code"]
    assert items["tts"]["resolved_flags"] == "--model_path /mnt/ai-models/kokoro"
    assert items["tts"]["runtime_family"] == "kokoro"


async def test_the_plan_spells_a_difference_from_and_to(ask):
    plan = await body(ask, "/api/plan")
    assert plan["actions"][0]["diff"] == [{"field": "model", "from": "a", "to": "b"}]
    assert plan["held"] == [{"slot": "code", "reason": "PortHeld", "message": "python has port 8082"}]


async def test_the_source_lists_the_problems_of_the_home(ask, operator):
    operator.found = (problem(), Problem(code="slot.empty", message="empty"))
    source = await body(ask, "/api/source")
    assert source["kind"] == "directory"
    assert source["age_seconds"] == 1.5
    assert [(p["code"], p["line"]) for p in source["problems"]] == [("device.unknown", 2), ("slot.empty", None)]


async def test_capabilities_come_by_group_and_child(ask):
    selections = (await body(ask, "/api/capabilities"))["selections"]
    assert selections["voice"]["stt"]["slot"] == "stt"


async def test_events_can_be_cut_to_a_slot_and_a_tail(ask, operator):
    operator.past = [event("a"), event("b", slot="code"), event("c")]
    assert [e["message"] for e in (await body(ask, "/api/events"))["items"]] == ["a", "b", "c"]
    assert [e["message"] for e in (await body(ask, "/api/events?slot=chat&tail=1"))["items"]] == ["c"]
    assert (await body(ask, "/api/events?tail=0"))["items"] == []


@pytest.mark.parametrize("query", ["tail=-1", "tail=1e3", "tail=1001", "tail=", "tail=٣", "tail=99999999999999999999"])
async def test_a_bad_number_is_refused(ask, query):
    got = await ask("GET", f"/api/events?{query}")
    assert (got.status_code, got.json()["error"]["code"]) == (400, "request.invalid")


@pytest.mark.parametrize("path", ["/api/slots", "/api/slots/chat", "/api/profiles", "/api/plan", "/api/source"])
async def test_an_unchanged_object_is_304(ask, operator, path):
    first = await ask("GET", path)
    tag = first.headers["ETag"]
    assert tag.startswith('"')
    for wanted in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await ask("GET", path, headers={"If-None-Match": wanted})
        assert (again.status_code, again.content) == (304, b"")
    operator.put(changed(operator.listed["chat"], phase="Starting", profile="vulkan"))
    operator.found = (problem(),)
    if path != "/api/plan":
        assert (await ask("GET", path, headers={"If-None-Match": tag})).status_code == 200


async def test_the_age_of_a_source_moves_no_etag(ask, operator):
    tag = (await ask("GET", "/api/source")).headers["ETag"]
    older = msgspec.structs.replace(operator.source(), age_seconds=99)
    operator.source = lambda: older
    assert (await ask("GET", "/api/source")).headers["ETag"] == tag


async def test_if_match_guards_a_wish(ask, operator):
    tag = (await ask("GET", "/api/slots/chat")).headers["ETag"]
    assert (await ask.write("/api/slots/chat/restart", **{"If-Match": tag})).status_code == 202
    got = await ask.write("/api/slots/chat/restart", **{"If-Match": '"0000"'})
    assert (got.status_code, got.json()["error"]["code"]) == (412, "request.stale")
    assert len(operator.wishes) == 1


async def test_wishes_reach_the_operator(ask, operator):
    await ask.write("/api/slots/chat/suspend", {"reason": "benchmark", "by": "anna"})
    await ask.write("/api/slots/chat/resume")
    await ask.write("/api/slots/chat/restart", {"pull": True})
    assert (await ask.write("/api/restart", {"outdated": True})).json() == {"slots": ["chat"]}
    assert (await ask.write("/api/prune/approve")).json() == {"message": "3 slots go"}
    assert operator.wishes == [
        ("suspend", "chat", "anna", "benchmark"),
        ("resume", "chat"),
        ("restart", "chat", True),
        ("outdated",),
        ("prune",),
    ]


async def test_reconcile_triggers_and_waits_when_asked(ask, operator):
    assert (await ask.write("/api/reconcile")).status_code == 202
    got = await ask.write("/api/reconcile?wait")
    assert (got.status_code, got.json()) == (200, {"settled": True, "admitted": "a1"})
    assert operator.wishes == [("trigger",), ("trigger",), ("fresh",)]


async def test_reconcile_says_why_a_reading_does_not_come(ask, operator, monkeypatch):
    monkeypatch.setattr("hal0_operator.web.source.FRESH_S", 0.01)
    operator.fresh_gate.clear()
    busy = msgspec.structs.replace(operator.source(), conditions=(condition("HomeBusy", message="git is at work"),))
    operator.source = lambda: busy
    got = await ask.write("/api/reconcile?wait=1")
    assert got.status_code == 504
    assert "git is at work" in got.json()["error"]["message"]


@pytest.mark.parametrize("path", ["", "/logs", "/suspend", "/resume", "/restart"])
@pytest.mark.parametrize("name", ["nope", "..%2f..%2fetc", "%00", "%1b%5b2J", "a" * 5000])
async def test_an_unknown_slot_is_404_with_a_message(ask, path, name):
    target = f"/api/slots/{name}{path}"
    got = await (ask("GET", target) if path in ("", "/logs") else ask.write(target))
    assert got.status_code == 404
    assert got.json()["error"]["code"] in ("slot.unknown", "request.not_found")


async def test_a_refused_wish_is_409_with_its_code(ask, operator):
    operator.refusal = Refused("slot.shadow", "stt has no container: restart npu")
    got = await ask.write("/api/slots/chat/restart")
    assert got.status_code == 409
    assert got.json()["error"] == {
        "code": "slot.shadow",
        "message": "stt has no container: restart npu",
        "type": "conflict_error",
        "details": {},
    }


@pytest.mark.parametrize(
    "content",
    [b"[]", b"{", b'{"pull": "yes"}', b'{"pul": true}', b"\xff", b"[" * 100_000, b'{"pull": 1}', b"null", b"NaN"],
)
async def test_a_bad_body_is_refused_and_nothing_is_wished(ask, operator, content):
    got = await ask("POST", "/api/slots/chat/restart", unix=True, content=content)
    assert (got.status_code, got.json()["error"]["code"]) == (400, "request.invalid")
    assert operator.wishes == []


async def test_a_reason_has_a_limit(ask, operator):
    got = await ask.write("/api/slots/chat/suspend", {"reason": "x" * 501})
    assert got.status_code == 400
    assert operator.wishes == []


async def test_hostile_text_passes_through_json_unharmed(ask, operator):
    operator.put(slot("chat", blocked_on=HOSTILE, diff=(FieldDiff("model", HOSTILE, ""),)))
    item = (await body(ask, "/api/slots"))["items"][0]
    assert item["blockedOn"] == HOSTILE


async def test_logs_come_as_lines(ask, operator):
    assert (await body(ask, "/api/slots/chat/logs?lines=1"))["lines"] == ["two"]
    await body(ask, "/api/slots/chat/logs?previous")
    assert operator.wishes == [("logs", "chat", 1, False), ("logs", "chat", 100, True)]


async def test_health_is_alive_and_readiness_says_why_not(ask, operator):
    assert (await body(ask, "/healthz"))["ok"] is True
    assert (await ask("GET", "/readyz")).status_code == 200
    operator.not_ready = "Podman does not answer"
    got = await ask("GET", "/readyz")
    assert (got.status_code, got.json()) == (503, {"ok": False, "reason": "Podman does not answer"})


async def test_the_front_door_leads_to_the_openapi_document(ask):
    got = await ask("GET", "/")
    assert (got.status_code, got.headers["Location"]) == (307, "/api/openapi.json")


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/slots/", "//api/slots", "/api/../api/slots", "/x", "/api/nope"]
)
async def test_an_unknown_path_is_404_with_the_envelope(ask, path):
    got = await ask("GET", path)
    if got.status_code != 200:  # the client resolves dots by itself
        assert (got.status_code, got.json()["error"]["code"]) == (404, "request.not_found")


async def test_the_openapi_document_covers_every_route_and_its_schemas_hold(ask, operator):
    document = await body(ask, "/api/openapi.json")
    listed = {(m.upper(), path) for path, methods in document["paths"].items() for m in methods}
    assert listed == {(e.method, e.path) for e in RESOURCES}
    operator.past = [event("x")]
    for path in ("/api/slots", "/api/slots/chat", "/api/profiles", "/api/plan", "/api/source", "/api/events"):
        template = path.replace("/chat", "/{name}")
        content = document["paths"][template]["get"]["responses"]["200"]["content"]
        schema = content["application/json"]["schema"] | {"components": document["components"]}
        jsonschema.validate(await body(ask, path), schema)
    json.dumps(document)


async def test_head_answers_without_a_body(ask):
    got = await ask("HEAD", "/api/slots")
    assert got.status_code == 200
    assert got.headers["ETag"]


@pytest.mark.parametrize(
    ("flags", "shown"),
    [
        ("-hft canary  --threads 4", "-hft '********' --threads 4"),
        ("--hf-token=can\\ ary -v", "--hf-token '********' -v"),
        ("--hf-token 'canary", "--hf-token *******"),
        ('--threads  4 --x "a b"', '--threads  4 --x "a b"'),
    ],
)
def test_the_flags_of_a_profile_are_shown_as_written_but_for_secrets(flags, shown):
    profile = Profile(name="mine", image="localhost/x:1", flags=flags)
    (body,) = profile_bodies({"mine": profile}, (), "/store")
    assert body.flags == shown
    assert "canary" not in repr(body)
