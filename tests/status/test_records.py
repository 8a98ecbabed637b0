"""A chat model that does not start with a record's flag: the record says so, and everything else is served."""

from hal0_operator.routing.endpoints import ENDPOINTS
from hal0_operator.routing.failure import Failure
from hal0_operator.routing.route import LOAD_FIRST, Route, route
from hal0_operator.status.check import broken_rules
from tests.sim.home import Home, Want, npu
from tests.sim.invariants import Invariants, converged
from tests.sim.machine import DEAF_MODEL
from tests.sim.simulator import Simulator
from tests.sim.statuses import StatusRules

HEAR, EMBED = ENDPOINTS["/v1/audio/transcriptions"], ENDPOINTS["/v1/embeddings"]


def stt(*, enabled: bool = True) -> str:
    return Want(device="npu", type="transcription", profile="flm", model="whisper-v3:turbo", enabled=enabled).text


def embed(*, enabled: bool = True) -> str:
    return Want(device="npu", type="embedding", profile="flm", model="embed-gemma:300m", enabled=enabled).text


class Trio:
    """An NPU slot whose chat model does not start with ``--asr``, and what else the home holds, all settled."""

    def __init__(self, **slots: str) -> None:
        self.sim = Simulator(Home({"npu": npu(8110, model=DEAF_MODEL), **slots}))
        Invariants(self.sim)
        self.rules = StatusRules(self.sim)
        self.sim.run(5)

    def edit(self, **slots: str | None) -> "Trio":
        for name, text in slots.items():
            self.sim.home.slot(name, text)
        self.sim.edit()
        self.sim.run(30)
        assert converged(self.sim) == []
        return self

    def __getitem__(self, slot: str):
        self.rules.statuses.stale(None)
        status = self.rules.statuses.one(slot)
        assert not list(broken_rules(status))
        return status

    def stands(self, slot: str) -> tuple[str, str, str]:
        ready = self[slot].condition("Ready")
        return self[slot].phase, ready.status, ready.reason

    def why(self, slot: str) -> str:
        found = self[slot].condition("FlagsRejected")
        return found.message if found is not None else ""

    def ask(self, endpoint, model: str) -> Route | Failure:
        traffic = self.sim.requests.traffic
        return route(traffic.directory(), traffic.stands, endpoint, model)


def test_the_record_names_itself_the_flag_the_slot_the_decisive_line_and_the_ways_out() -> None:
    trio = Trio(embed=embed()).edit(stt=stt())
    assert trio.stands("stt") == ("Degraded", "False", "FlagsRejected")
    assert trio.why("stt") == (
        "slot npu did not start with --asr of voice.stt (slots/stt.toml): exit code 1: error: CREATE_HWCTX err -22; "
        "it runs without. Switch voice.stt off (`hal0ctl capability set voice.stt --off`), "
        "or give npu another chat model"
    )
    stalled = trio["stt"].condition("Stalled")
    assert (stalled.status, stalled.reason) == ("True", "FlagsRejected")
    assert trio["stt"].blocked_on == trio.why("stt") == stalled.message
    rolled_back = trio["npu"].condition("RolledBack").message
    assert "err -22; it was asked for --asr of voice.stt (slots/stt.toml); edit the slot, or" in rolled_back


def test_chat_and_the_other_record_are_served_by_the_process_that_runs_without_the_flag() -> None:
    trio = Trio(embed=embed()).edit(stt=stt())
    assert (trio.stands("npu"), trio.stands("embed")) == (("Ready", "True", "ProbePassed"),) * 2
    assert (trio.why("npu"), trio.why("embed")) == ("", "")
    found = trio.ask(EMBED, "embed")
    assert isinstance(found, Route)
    command = trio.sim.podman.boxes[found.standing.container].spec.command
    assert "--embed" in command
    assert "--asr" not in command


def test_its_route_is_closed_and_says_the_same() -> None:
    trio = Trio(embed=embed()).edit(stt=stt())
    for model in ("stt", "whisper-v3:turbo", ""):
        refused = trio.ask(HEAR, model)
        assert isinstance(refused, Failure)
        assert (refused.status, refused.code, refused.retry_s) == (503, "npu.trio_unavailable", None)
        assert f"{LOAD_FIRST} that starts with --asr" in refused.message
        assert refused.details == {
            "endpoint": "/v1/audio/transcriptions",
            "slot": "npu",
            "record": "stt",
            "phase": "Ready",
            "reason": f"FlagsRejected: {trio.why('stt')}",
        }


def test_it_is_over_when_the_record_is_switched_off_and_not_tried_again_when_it_is_switched_on() -> None:
    trio = Trio().edit(stt=stt())
    serving = trio.sim.reconciler.world.own("npu")[0].id
    trio.edit(stt=stt(enabled=False))
    assert trio.stands("stt") == ("Off", "False", "Disabled")
    assert trio.why("stt") == ""
    assert trio["npu"].condition("RolledBack") is None
    trio.edit(stt=stt())
    assert trio.stands("stt") == ("Degraded", "False", "FlagsRejected")
    assert trio.sim.reconciler.world.own("npu")[0].id == serving


def test_it_is_over_when_the_chat_model_is_another_one() -> None:
    trio = Trio().edit(stt=stt()).edit(npu=npu(8110, model="gemma3:1b"))
    assert trio.stands("stt") == ("Ready", "True", "ProbePassed")
    assert trio.why("stt") == ""
    assert isinstance(trio.ask(HEAR, "stt"), Route)


def test_of_two_records_that_were_switched_on_together_each_is_named_with_the_other() -> None:
    trio = Trio().edit(stt=stt(), embed=embed())
    ears, numbers = "--asr of voice.stt (slots/stt.toml)", "--embed of embed.embed (slots/embed.toml)"
    assert trio.why("stt").startswith(f"slot npu did not start with {ears}: exit code 1")
    assert f"; new with it: {numbers}; it runs without" in trio.why("stt")
    assert trio.why("embed").startswith(f"slot npu did not start with {numbers}: exit code 1")
    assert f"; new with it: {ears}; it runs without" in trio.why("embed")
    assert f"{ears} and {numbers}" in trio["npu"].condition("RolledBack").message
    for endpoint, slot in ((HEAR, "stt"), (EMBED, "embed")):
        refused = trio.ask(endpoint, slot)
        assert isinstance(refused, Failure)
        assert (refused.code, refused.details["record"]) == ("npu.trio_unavailable", slot)


def test_what_else_was_new_is_named_too() -> None:
    trio = Trio(npu=npu(8110, model="gemma3:1b")).edit(stt=stt(), npu=npu(8110, model=DEAF_MODEL))
    assert f"; new with it: model gemma3:1b → {DEAF_MODEL}; it runs without" in trio.why("stt")


def test_a_record_that_was_on_before_is_not_blamed_for_a_chat_model_that_does_not_start_with_it() -> None:
    trio = Trio(npu=npu(8110, model="gemma3:1b"), stt=stt()).edit(npu=npu(8110, model=DEAF_MODEL))
    assert trio.stands("stt") == ("Ready", "True", "ProbePassed")
    assert trio.why("stt") == ""
    assert "it was asked for" not in trio["npu"].condition("RolledBack").message
    assert isinstance(trio.ask(HEAR, "stt"), Route)


def test_a_record_that_no_capability_is_bound_to_is_named_by_its_file() -> None:
    trio = Trio().edit(ears=stt(), more=stt())
    for name, other in (("ears", "more"), ("more", "ears")):
        assert f"--asr of slots/{name}.toml: " in trio.why(name)
        assert f"new with it: --asr of slots/{other}.toml" in trio.why(name)
        assert f"Switch {name} off (`hal0ctl slot edit {name} --disable`)" in trio.why(name)


def test_another_life_of_the_operator_says_the_same() -> None:
    trio = Trio().edit(stt=stt())
    before = trio.why("stt")
    trio.sim.crash()
    trio.sim.run(5)
    assert trio.why("stt") == before != ""
    assert isinstance(trio.ask(HEAR, "stt"), Failure)


def test_a_record_of_a_process_that_is_away_altogether_follows_it_and_still_says_what_was_rejected() -> None:
    trio = Trio().edit(stt=stt())
    own = trio.sim.reconciler.world.own("npu")[0]
    trio.sim.machine.npu_users.append("python (pid 9)")
    trio.sim.podman.remove(own.id, 0)
    trio.sim.run(35)
    assert trio["npu"].phase == trio["stt"].phase == "Blocked"
    assert trio.why("stt") != ""
    refused = trio.ask(HEAR, "stt")
    assert isinstance(refused, Failure)
    assert (refused.code, refused.details["phase"]) == ("npu.trio_unavailable", "Blocked")


def test_a_record_moves_with_the_npu_slot_although_only_that_one_is_told_to_have_moved() -> None:
    trio = Trio(npu=npu(8110, model="gemma3:1b"), stt=stt())
    assert trio["stt"].phase == "Ready"
    trio.sim.reconciler.state("npu").run.failed_roles = ("asr",)
    trio.rules.statuses.stale("npu")
    assert trio.rules.statuses.one("stt").phase == "Degraded"


def test_a_role_that_does_not_answer_degrades_the_slot_and_its_own_record_alone() -> None:
    trio = Trio(npu=npu(8110, model="gemma3:1b"), stt=stt(), embed=embed())
    trio.sim.reconciler.state("npu").run.failed_roles = ("asr",)
    assert trio.stands("npu") == trio.stands("stt") == ("Degraded", "False", "RoleFailed")
    assert trio.stands("embed") == ("Ready", "True", "ProbePassed")
    trio.sim.reconciler.state("npu").run.failed_roles = ("chat",)
    assert trio.stands("npu") == ("Degraded", "False", "RoleFailed")
    assert trio.stands("stt") == trio.stands("embed") == ("Ready", "True", "ProbePassed")
