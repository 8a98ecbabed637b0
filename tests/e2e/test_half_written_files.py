"""A file that is being written, or was written badly, never restarts what serves."""

from tests.e2e.awaited import condition, converged
from tests.support.operator_process import OperatorProcess


def denials(operator: OperatorProcess) -> int:
    return sum(event["count"] for event in operator.get("/api/events")["items"] if event["reason"] == "Denied")


def busy(operator: OperatorProcess) -> bool:
    conditions = operator.get("/api/source")["conditions"]
    return any(one["type"] == "HomeBusy" and "chat.toml" in one["message"] for one in conditions)


def test_a_file_cut_to_nothing_and_written_again_costs_no_restart(running: OperatorProcess) -> None:
    before = converged(running)
    path = running.home.path / "slots/chat.toml"
    good = path.read_text()
    with path.open("w") as file:  # as a shell does: first empty, then the text
        denied = running.until_condition("chat", "Admitted", "False")
        assert denied["message"].startswith("slot.empty slots/chat.toml")
        file.write(good)
    running.until_condition("chat", "Admitted", "True")
    assert converged(running) == before
    assert denials(running) == 1


def test_a_first_line_that_waits_for_the_rest_is_at_most_denied(running: OperatorProcess) -> None:
    before = converged(running)
    path = running.home.path / "slots/chat.toml"
    good = path.read_text()
    first = good.index("\n") + 1
    with path.open("w") as file:
        file.write(good[:first])
        file.flush()
        denied = running.until_condition("chat", "Admitted", "False")
        assert "now names none" in denied["message"]
        file.write(good[first:])
    running.until_condition("chat", "Admitted", "True")
    assert converged(running) == before
    assert denials(running) == 1


def test_a_line_without_its_end_is_waited_for(running: OperatorProcess) -> None:
    before = converged(running)
    path = running.home.path / "slots/chat.toml"
    good = path.read_text()
    with path.open("w") as file:
        file.write(good[:-5])
        file.flush()
        while not busy(running):  # for two seconds, of which nobody is told but who asks
            pass
        file.write(good[-5:])
    assert converged(running) == before
    assert denials(running) == 0


def test_an_empty_or_comment_only_file_keeps_the_slot_as_it_was(running: OperatorProcess) -> None:
    before = converged(running)
    for text in ("# later\n", ""):
        running.home.save("slots/chat.toml", text)
        slots = running.until(lambda slots: condition(slots["chat"], "Admitted")["status"] == "False")
        assert slots["chat"]["phase"] == "Ready"
        assert condition(slots["chat"], "Admitted")["reason"] == "SlotEmpty"
        assert running.hal0ctl("apply").returncode == 1
    assert running.cids() == before
    assert running.stub("chat")["uptime"] > 0
