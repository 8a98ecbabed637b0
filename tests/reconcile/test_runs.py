"""What a run of a container makes of its probes."""

from hal0_operator.model.probe import ProbeResult, Verdict
from hal0_operator.model.settings import ProbeSettings
from hal0_operator.reconcile import runs
from hal0_operator.reconcile.state import SlotState

PACE = ProbeSettings()


def started() -> SlotState:
    state = SlotState("chat")
    runs.begin(state, "c1", 1, 0.0, PACE, adopted=False)
    return state


def probed(state: SlotState, verdict: Verdict, now: float, inside: bool | None = None) -> str:
    return runs.probed(state, ProbeResult(verdict, inside=inside), now, PACE)


def test_silence_while_starting_makes_it_look_inside_as_refusals_do():
    for verdict in ("refused", "timeout"):
        state = started()
        for second in range(runs.LOOK_INSIDE_AFTER):
            assert state.run.unmet < runs.LOOK_INSIDE_AFTER
            probed(state, verdict, second)
        assert state.run.unmet == runs.LOOK_INSIDE_AFTER
        probed(state, "loading", 9)
        assert state.run.unmet == 0, "a server that answers is met"


def test_a_broken_path_never_restarts_what_answers_inside():
    state = started()
    probed(state, "passed", 1)
    for second in range(10, 400, 10):
        assert probed(state, "timeout", second, inside=True) == ""
        assert probed(state, "refused", second + 1, inside=True) == ""
        assert state.run.path_broken
    assert probed(state, "timeout", 500, inside=False) != "", "silent on every path for too long"
