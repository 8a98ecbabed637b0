"""What one file says is carried over to the other, as often as it is asked for with the same result."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal0_operator.model.snapshot import Admitted
from tests.changes.homes import carried, carried_of, files_of, home, judge
from hal0_operator.changes.judged import Judged

SLOT = "slots/tts.toml"
OVERLAY = "capabilities.toml"


def slot(model: str | None = "a", enabled: bool | None = True, extra: str = "") -> str:
    on = "" if enabled is None else f"enabled = {str(enabled).lower()}\n"
    named = f'\n[model]\ndefault = "{model}"\n' if model else ""
    return f'type = "tts"\ndevice = "cpu"\nport = 8085\n{on}{extra}{named}'


def overlay(model: str | None = "a", enabled: bool | None = True) -> str:
    on = "" if enabled is None else f"enabled = {str(enabled).lower()}\n"
    named = f'model = "{model}"\n' if model else ""
    return f'# mine\nschema_version = 2\n\n[selections.voice.tts]\n{on}device = "cpu"\n{named}'


def after(texts: dict[str, str], last: Admitted | None) -> dict[str, str]:
    """The whole home when everything was carried."""
    return {**texts, **{file: text for file, text in carried(texts, last).items()}}


AGREED = home({SLOT: slot(), OVERLAY: overlay()}).last


def cold(texts: dict[str, str]) -> Admitted:
    return judge(files_of(texts), None).verdict.admitted


# ── the table, for the model ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("last", "ours", "theirs", "result"),
    [
        (AGREED, "a", "a", ("a", "a")),
        (AGREED, "b", "a", ("b", "b")),
        (AGREED, "b", "b", ("b", "b")),
        (AGREED, "a", "b", ("b", "b")),
        (AGREED, "b", "c", ("b", "c")),  # a conflict: both stay as they are
        (None, "b", None, ("b", "b")),
        (None, None, "c", (None, "c")),
        (None, "b", "c", ("b", "b")),
    ],
)
def test_the_table(last: Admitted | None, ours: str | None, theirs: str | None, result: tuple[str | None, ...]) -> None:
    found = after({SLOT: slot(theirs), OVERLAY: overlay(ours)}, last)
    assert found == {SLOT: slot(result[1]), OVERLAY: overlay(result[0])}


def test_a_conflict_leaves_the_old_state_in_force_and_says_both_addresses() -> None:
    now = judge(files_of({SLOT: slot("c"), OVERLAY: overlay("b")}), AGREED)
    assert now.verdict.slots["tts"].model == "a"
    (problem,) = [p for p in now.verdict.problems if p.code == "capability.conflict"]
    assert problem.file == OVERLAY
    assert SLOT in problem.message


def test_a_deleted_slot_file_switches_the_child_off() -> None:
    assert carried({OVERLAY: overlay()}, AGREED) == {OVERLAY: overlay(enabled=False)}


def test_a_slot_file_that_comes_back_switches_it_on_again() -> None:
    gone = {OVERLAY: overlay(enabled=False)}
    last = judge(files_of(gone), AGREED).verdict.admitted
    assert carried({**gone, SLOT: slot(enabled=None)}, last) == {OVERLAY: overlay()}
    assert carried({**gone, SLOT: slot(enabled=False)}, last) == {}


def test_an_overlay_that_is_on_gets_its_slot_file() -> None:
    found = carried({OVERLAY: overlay()}, None)
    assert found[SLOT].startswith('type = "tts"\ndevice = "cpu"\nprofile = "tts"\n')


def test_a_slot_file_that_cannot_be_read_is_not_deleted_and_nothing_is_carried() -> None:
    assert carried({SLOT: slot(extra="nonsense = 1\n"), OVERLAY: overlay("b")}, AGREED) == {}
    assert carried({SLOT: slot("b"), OVERLAY: overlay() + "nonsense = 1\n"}, AGREED) == {}


def test_a_blank_entry_is_no_opinion() -> None:
    blank = 'schema_version = 2\n[selections.voice.tts]\nenabled = false\ndevice = ""\nmodel = ""\n'
    assert carried({SLOT: slot(), OVERLAY: blank}, None) == {}


def test_a_removed_entry_leaves_the_slot_alone() -> None:
    assert carried({SLOT: slot(), OVERLAY: "schema_version = 2\n"}, AGREED) == {}


def test_a_home_that_may_not_be_merged_is_not_written() -> None:
    now = judge(files_of({SLOT: slot("b"), OVERLAY: overlay("a")}), None, strict=True)
    assert carried_of(now) == {}


# ── the first overlay ──────────────────────────────────────────────────────────────────────────


def test_the_first_overlay_says_what_the_slots_declare() -> None:
    off = 'type = "embedding"\nenabled = false\ndevice = "gpu-rocm"\n[model]\ndefault = "bge"\n'
    found = carried({SLOT: slot(enabled=None), "slots/embed.toml": off, "slots/chat.toml": 'device = "cpu"\n'}, None)
    assert found.keys() == {OVERLAY}
    assert found[OVERLAY].endswith(
        'schema_version = 2\n\n[selections.embed.embed]\nenabled = false\ndevice = "gpu-rocm"\nmodel = "bge"\n\n'
        '[selections.voice.tts]\nenabled = true\ndevice = "cpu"\nmodel = "a"\n'
    )


def test_it_is_written_once() -> None:
    texts = {SLOT: slot()}
    first = after(texts, None)
    assert carried(first, cold(first)) == {}
    assert carried(texts, cold(first)) == {}, "a person removed it"


def test_a_home_without_capabilities_gets_none() -> None:
    assert carried({"slots/chat.toml": '[model]\ndefault = "a"\n'}, None) == {}


def test_a_slot_that_is_on_without_a_model_is_not_said_to_be_off() -> None:
    assert carried({"slots/embed.toml": 'device = "gpu-rocm"\n'}, None) == {}


# ── device and profile ─────────────────────────────────────────────────────────────────────────

CHAT = 'device = "gpu-rocm"\nprofile = "rocm"\n[model]\ndefault = "a"\n'


@pytest.mark.parametrize(
    ("edit", "completed"),
    [
        (('"gpu-rocm"', '"gpu-vulkan"'), ('"rocm"', '"vulkan"')),
        (('profile = "rocm"', 'profile = "vulkan"'), ('"gpu-rocm"', '"gpu-vulkan"')),
        (('profile = "rocm"', 'profile = "rocm-moe"'), ("", "")),
        (('"gpu-rocm"\nprofile = "rocm"', '"npu"\nprofile = "vulkan"'), ("", "")),
    ],
)
def test_a_hand_edit_of_one_side_is_completed_by_the_other(edit: tuple[str, str], completed: tuple[str, str]) -> None:
    last = home({"slots/chat.toml": CHAT}).last
    edited = CHAT.replace(*edit)
    wanted = edited.replace(*completed) if completed[0] else edited
    assert after({"slots/chat.toml": edited}, last) == {"slots/chat.toml": wanted}


def test_a_contradiction_at_a_cold_start_is_left_to_its_owner() -> None:
    texts = {"slots/chat.toml": CHAT.replace("gpu-rocm", "gpu-vulkan")}
    assert carried(texts, None) == {}
    assert "slot/chat" in judge(files_of(texts), None).verdict.denied


def test_a_device_that_follows_a_profile_reaches_the_overlay_too() -> None:
    embed = 'device = "gpu-rocm"\nprofile = "rocm"\n[model]\ndefault = "a"\n'
    over = 'schema_version = 2\n[selections.embed.embed]\nenabled = true\ndevice = "gpu-rocm"\nmodel = "a"\n'
    last = home({"slots/embed.toml": embed, OVERLAY: over}).last
    found = carried({"slots/embed.toml": embed.replace('"rocm"', '"vulkan"'), OVERLAY: over}, last)
    assert found[OVERLAY] == over.replace("gpu-rocm", "gpu-vulkan")


# ── a fixpoint ─────────────────────────────────────────────────────────────────────────────────

MODELS = st.sampled_from([None, "a", "b", "c"])
SWITCHES = st.sampled_from([None, True, False])
SLOTS = st.one_of(st.none(), st.builds(slot, MODELS, SWITCHES))
OVERLAYS = st.one_of(st.none(), st.builds(overlay, MODELS, SWITCHES))


@given(st.lists(st.tuples(SLOTS, OVERLAYS), min_size=1, max_size=4))
def test_carrying_is_a_fixpoint_that_changes_nothing_in_force(states: list[tuple[str | None, str | None]]) -> None:
    last: Admitted | None = None
    for ours, theirs in states:
        texts = {file: text for file, text in ((SLOT, ours), (OVERLAY, theirs)) if text is not None}
        seen = judge(files_of(texts), last)
        whole = {f: t for f, t in after(texts, last).items() if t != "(deleted)"}
        then = judge(files_of(whole), last)
        assert carried(whole, last) == {}, "nothing is left to carry"
        assert _in_force(then) == _in_force(seen), "what was carried was in force already"
        again = judge(files_of(whole), then.verdict.admitted)
        assert again.verdict.admitted == then.verdict.admitted, "and stays so"
        _agreement(then)
        last = then.verdict.admitted


def _in_force(judged: Judged) -> object:
    slots = judged.verdict.slots
    return {name: (s.enabled, s.device, s.model, s.profile) for name, s in slots.items() if s.enabled and s.model}


def _agreement(judged: Judged) -> None:
    """An admitted state never says on in one file and off in the other."""
    verdict = judged.verdict
    for name, dotted in verdict.bindings.items():
        selection, declared = verdict.admitted.selections.get(dotted), verdict.admitted.slots.get(name)
        if selection is None or selection.is_blank or selection.enabled is None or verdict.denied:
            continue
        on = declared is not None and declared.enabled is not False
        assert on == selection.enabled or (selection.enabled and not selection.model), (selection, declared)


def test_every_pair_of_states_ends_in_agreement() -> None:
    models = [None, "a", "b"]
    for one, two in itertools.product(itertools.product(models, [True, False]), repeat=2):
        found = after({SLOT: slot(*one), OVERLAY: overlay(*two)}, AGREED)
        _agreement(judge(files_of(found), AGREED))


def test_a_line_that_is_taken_out_of_a_slot_file_is_an_edit_like_any_other() -> None:
    both = {SLOT: slot(enabled=False), OVERLAY: overlay(enabled=False)}
    assert carried({**both, SLOT: slot(enabled=None)}, home(both).last) == {OVERLAY: overlay()}
