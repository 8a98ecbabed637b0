"""What a request is told of a slot on demand whose start failed and pauses: why, and when it is tried again."""

from hal0_operator.loop.standing import PULLING_S, START_S
from tests.loop.test_standing import on_its_way


def test_a_pull_that_failed_wakes_while_it_is_tried_and_not_while_it_pauses() -> None:
    found = on_its_way(profile="dev")
    found.sim.podman.pullable.clear()
    found.sim.podman.images_here.clear()
    found.sim.reconciler.hint(None)
    pulls, image = found.sim.reconciler.pulls, "localhost/dev:1"
    while pulls.again_at(image) <= found.sim.time:
        found.sim.run(0.1)
    paused = found.of()
    assert (paused.phase, paused.wakes) == ("Pulling", False)
    assert "manifest unknown" in paused.why
    assert paused.retry_s == pulls.again_at(image) - found.sim.time + START_S
    found.sim.machine.pulls[image] = "hangs"
    found.sim.run(paused.retry_s)
    assert image in pulls.running
    assert (found.of().phase, found.of().wakes, found.of().retry_s) == ("Pulling", True, PULLING_S)


def test_a_crash_loop_says_the_decisive_line_that_its_status_has_from_the_second_crash_on() -> None:
    found = on_its_way(model="crash")
    while found.of().phase != "CrashLoop" or found.of().wakes:
        found.sim.run(0.02)
    assert found.sim.reconciler.state("chat").exits == 2
    status = found.one("chat")
    ready = status.condition("Ready")
    assert status.last_exit.startswith("exit code ")
    assert status.last_exit in ready.message
    assert found.of().why == f"hal0-chat {ready.message}"
