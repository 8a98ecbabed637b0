"""How a slot stands for a request: which container may be asked, else why none, and whether waiting helps."""

import pytest

from hal0_operator.loop.standing import standing
from hal0_operator.model import action as a
from hal0_operator.model.probe import ProbeResult
from hal0_operator.routing.standing import Standing
from tests.sim.home import Home, Want, npu, slot
from tests.sim.simulator import SETTINGS, Simulator
from tests.sim.statuses import StatusRules


class Standings:
    """A simulator with its statuses; ``statuses`` counts how often one was asked for."""

    def __init__(self, **texts: str) -> None:
        self.sim = Simulator(Home(texts))
        self.rules = StatusRules(self.sim)
        self.derived = 0

    def one(self, name: str):
        self.derived += 1
        self.rules.statuses.stale(name)
        return self.rules.statuses.one(name)

    def of(self, name: str = "chat") -> Standing:
        return standing(self.sim.reconciler, self, name, self.sim.time)

    def own(self, name: str = "chat") -> str:
        return self.sim.reconciler.world.own(name)[0].id

    def edit(self, text: str | None, name: str = "chat") -> None:
        self.sim.home.slot(name, text)
        self.sim.edit()


def test_a_container_may_be_asked_once_its_probe_has_passed_and_no_status_is_derived_for_it() -> None:
    found = Standings(chat=slot(8101))
    found.sim.run(0.25)
    assert found.of() == Standing(phase="Starting", why=found.of().why, retry_s=1.0)
    assert found.of().why.startswith("its probe: ")
    found.sim.run(5)
    found.derived = 0
    assert found.of() == Standing(phase="Ready", container=found.own(), port=8101)
    assert found.derived == 0


def test_it_is_asked_while_others_inputs_are_wanted_and_wait_on_the_port_that_it_was_made_with() -> None:
    found = Standings(chat=slot(8101))
    found.sim.run(5)
    found.sim.missing_models.add("absent")
    found.edit(slot(8109, "absent"))
    found.sim.run(5)
    assert found.of() == Standing(phase="Ready", container=found.own(), port=8101)


def test_the_published_port_counts_when_nobody_remembers_the_inputs() -> None:
    found = Standings(chat=slot(8101))
    found.sim.run(5)
    core = found.sim.reconciler
    core.inputs_of = lambda _slot, _digest: None
    assert found.of().port == 8101


def test_nothing_new_is_sent_to_a_container_from_when_its_removal_begins() -> None:
    found = Standings(chat=slot(8101))
    found.sim.run(5)
    found.edit(slot(8101, context=8192))
    found.sim.run(0.1)
    assert found.own() in found.sim.reconciler.aims.ending
    gone = found.of()
    assert (gone.phase, gone.container, gone.drains) == ("Starting", "", "")
    assert gone.why == "hal0-chat is being replaced"
    assert gone.retry_s is not None


def test_nothing_new_is_sent_to_one_that_drains_and_a_client_may_ask_again_afterwards() -> None:
    found = Standings(chat=slot(8101))
    found.sim.run(5)
    found.sim.reconciler.traffic("chat", found.own(), 1)
    found.edit(slot(8101, context=8192))
    found.sim.run(10)
    drains = found.of()
    assert (drains.phase, drains.container, drains.drains) == ("Starting", "", found.own())
    assert drains.why == "hal0-chat is being replaced, and waits for 1 request that is under way"
    assert drains.retry_s is not None
    assert 20 < drains.retry_s < SETTINGS.loop.drain_s


def test_a_slot_that_was_switched_off_is_not_to_be_waited_for() -> None:
    found = Standings(chat=slot(8101), code=slot(8102))
    found.sim.run(5)
    found.sim.reconciler.traffic("chat", found.own(), 1)
    found.edit(Want(port=8101, enabled=False).text)
    found.sim.run(1)
    drains = found.of()
    assert (drains.phase, drains.container, drains.drains, drains.retry_s) == ("Removing", "", found.own(), None)
    assert drains.why == "hal0-chat is being removed, and waits for 1 request that is under way"
    found.sim.reconciler.traffic("chat", found.own(), 0)
    found.sim.pump()
    found.sim.run(0.1)
    assert found.of().phase == "Removing"
    found.sim.run(5)
    assert found.of() == Standing(phase="Off", why="enabled = false in its file")


def test_a_paused_container_is_not_asked() -> None:
    found = Standings(chat=slot(8101))
    found.sim.run(5)
    found.sim.podman.boxes[found.own()].state = "paused"
    found.sim.reconciler.want_list()
    found.sim.pump()
    found.sim.run(0.02)
    assert found.of().container == ""


def test_what_a_person_must_do_is_not_to_be_waited_for() -> None:
    found = Standings(chat=slot(8101, "absent"))
    found.sim.missing_models.add("absent")
    found.sim.run(5)
    assert found.of() == Standing(phase="Blocked", why="no model absent")
    found.edit("type = 7\n")
    found.sim.run(1)
    assert found.of().retry_s is None


def test_a_denied_slot_says_what_is_wrong_with_its_file() -> None:
    found = Standings(chat="nonesuch = 7\n", code=slot(8102))
    found.sim.run(5)
    denied = found.of()
    assert (denied.phase, denied.retry_s, denied.wakes) == ("Denied", None, False)
    assert "slots/chat.toml:1" in denied.why


def test_a_denied_slot_is_shown_as_what_it_would_be() -> None:
    wrong = 'profile = "nonesuch"\n{}[model]\ndefault = "m"\n'
    found = Standings(embed=wrong.format(""), stt=wrong.format('backend = "cpu"\n'), code=slot(8102))
    found.sim.run(5)
    shown = {name: found.one(name) for name in ("embed", "stt")}
    assert {name: (one.phase, one.type, one.device) for name, one in shown.items()} == {
        "embed": ("Denied", "embedding", "gpu-rocm"),
        "stt": ("Denied", "transcription", "cpu"),
    }


def test_a_suspended_slot_is_asked_while_it_serves_and_not_waited_for_when_it_does_not() -> None:
    found = Standings(chat=slot(8101))
    found.sim.run(5)
    found.sim.suspend("chat")
    assert found.of().container == found.own()
    found.sim.podman.kill(found.sim.podman.boxes[found.own()].process.pid)
    found.sim.run(1)
    assert (found.of().phase, found.of().container, found.of().retry_s) == ("Suspended", "", None)


def test_a_crash_loop_says_when_it_is_tried_again() -> None:
    found = Standings(chat=slot(8101, "crash"))
    found.sim.run(15)
    crashed = found.of()
    assert crashed.phase == "CrashLoop"
    assert crashed.retry_s is not None
    assert crashed.retry_s > 1


def test_a_holder_of_the_npu_that_is_on_its_way_out_is_worth_waiting_for_and_a_stranger_is_not() -> None:
    found = Standings(npu=npu(8110), npu2=npu(8111, enabled=False))
    found.sim.run(5)
    found.sim.reconciler.traffic("npu", found.own("npu"), 1)
    found.sim.home.slot("npu", npu(8110, enabled=False))
    found.edit(npu(8111), "npu2")
    found.sim.run(3)
    assert found.of("npu2").phase == "Blocked"
    assert found.of("npu2").retry_s is not None
    blocked = Standings(npu=npu(8110))
    blocked.sim.machine.npu_users.append("python (pid 9)")
    blocked.sim.run(5)
    assert (blocked.of("npu").phase, blocked.of("npu").retry_s) == ("Blocked", None)


def test_roles_that_do_not_answer_and_roles_that_it_was_started_without_are_named() -> None:
    stt = Want(device="npu", profile="flm", model="whisper", type="transcription")
    found = Standings(npu=npu(8110), stt=stt.text)
    found.sim.run(5)
    assert found.of("npu").failed_roles == ("embed",)
    found.sim.reconciler.state("npu").run.failed_roles = ("asr",)
    assert (found.of("npu").phase, found.of("npu").failed_roles) == ("Degraded", ("asr", "embed"))


def test_a_record_that_was_only_just_switched_on_is_worth_waiting_for() -> None:
    found = Standings(npu=npu(8110))
    found.sim.run(5)
    assert found.of("npu").retry_s is None
    found.sim.machine.nodes.clear()
    found.edit(Want(device="npu", profile="flm", model="whisper", type="transcription").text, "stt")
    found.sim.run(1)
    waits = found.of("npu")
    assert (waits.container, waits.failed_roles) == (found.own("npu"), ("asr", "embed"))
    assert waits.retry_s is not None


@pytest.mark.parametrize("hints", [True, False])
def test_a_slot_on_demand_wakes_while_it_is_idle_while_it_goes_and_while_it_starts(hints: bool) -> None:
    found = Standings(chat=Want(port=8101, on_demand=True, idle=20).text)
    found.sim.faults.hints = hints
    found.sim.run(3)
    idle = found.of()
    assert (idle.phase, idle.wakes, idle.why) == ("Idle", True, "loaded on demand")
    assert idle.retry_s is not None
    found.sim.requests.ask("chat")
    found.sim.run(0.1)
    assert (found.of().phase, found.of().wakes) == ("Starting", True)
    found.sim.run(3)
    assert found.of().container == found.own()
    found.sim.requests.finish_all()
    found.sim.run(20)
    while found.of().container:
        found.sim.run(0.05)
    assert (found.of().phase, found.of().wakes) == ("Idle", True)


def on_its_way(**more) -> Standings:
    """A slot on demand that somebody has just asked for."""
    found = Standings(chat=Want(port=8101, on_demand=True, idle=20, **more).text)
    found.sim.run(3)
    found.sim.requests.ask("chat")
    return found


def test_a_slot_on_demand_wakes_for_whoever_comes_while_its_image_is_fetched() -> None:
    found = on_its_way()
    found.sim.podman.images_here.clear()
    found.sim.reconciler.hint(None)
    found.sim.run(1)
    assert (found.of().phase, found.of().wakes) == ("Pulling", True)


def test_a_slot_on_demand_wakes_while_what_blocks_it_goes_by_itself_and_not_while_a_person_must_help() -> None:
    found = on_its_way()
    found.sim.run(0.1)
    waiting = found.sim.reconciler.state("chat")
    for reason, wakes in (("CallFailed", True), ("ModelMissing", False)):
        waiting.waiting, waiting.outside = a.Wait(reason, "a reason", found.sim.time + 5), None
        assert (found.of().phase, found.of().wakes) == ("Blocked", wakes)


def test_a_crash_loop_wakes_while_it_is_tried_and_not_while_it_pauses() -> None:
    found = on_its_way(model="crash")
    wakes = {True: 0, False: 0}
    for _ in range(200):
        found.sim.run(0.1)
        if found.of().phase == "CrashLoop":
            wakes[found.of().wakes] += 1
            paused = found.sim.reconciler.state("chat").waiting
            assert found.of().wakes == (paused is None or paused.reason != "CrashLoop")
    assert min(wakes.values()) > 0, wakes


def test_a_slot_on_demand_is_waited_for_while_it_drains_for_a_swap() -> None:
    found = on_its_way()
    found.sim.run(3)
    found.edit(Want(port=8101, context=8192, on_demand=True, idle=20).text)
    found.sim.run(1)
    drains = found.of()
    assert (drains.phase, drains.container, drains.wakes) == ("Starting", "", True)
    assert "under way" in drains.why


def test_it_waits_for_what_is_fetched_and_while_podman_is_away() -> None:
    found = Standings(chat=slot(8101))
    found.sim.podman.images_here.clear()
    found.sim.run(1)
    assert (found.of().phase, found.of().retry_s) == ("Pulling", 10.0)
    found.sim.machine.away = True
    found.sim.reconciler.hint(None)
    found.sim.pump()
    found.sim.run(3)
    assert found.of().retry_s is not None


def test_a_slot_that_nobody_knows_is_off() -> None:
    assert Standings(chat=slot(8101)).of("nonesuch") == Standing(phase="Off", why="there is no such slot")


def test_of_a_process_that_died_it_is_not_told_what_its_probe_said_before() -> None:
    found = Standings(chat=slot(8101))
    found.sim.run(5)
    podman = found.sim.podman
    podman.end(podman.boxes[found.own()], 137)
    whys = set()
    while found.of().phase != "Ready" or not whys:
        found.sim.run(0.01)
        whys.add(found.of().why)
    assert "its process has died" in whys
    assert not any("passed" in why for why in whys)


def test_a_probe_that_fails_after_ready_leaves_the_container_to_be_asked() -> None:
    found = Standings(chat=slot(8101))
    found.sim.run(5)
    core = found.sim.reconciler
    core.queue.add_at(a.Key("probe", "chat"), found.sim.time)
    found.sim.machine.probe = lambda _effect: ProbeResult("loading", "503")
    found.sim.run(70)
    assert found.of().container == found.own()
