"""The three-way table, row by row, and as a fixpoint."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal0_operator.admission.merge import FIELDS, compare, merge, next_base
from hal0_operator.model.capability import Selection
from hal0_operator.model.slot import DeclaredSlot
from hal0_operator.model.snapshot import MergeBase

A, B, C = "a", "b", "c"
ROWS = [
    ((A, A, A), A, None),
    ((A, B, A), B, None),
    ((A, B, B), B, None),
    ((A, A, B), B, None),
    ((A, B, C), A, "conflict"),
    ((None, B, None), B, None),
    ((None, None, C), C, None),
    ((None, B, C), B, "drift"),
    ((A, None, A), A, None),
    ((A, A, None), A, None),
    ((None, None, None), None, None),
]


def chosen(**keys: object) -> Selection:
    return Selection(group="voice", child="tts", **keys)


def declared(**keys: object) -> DeclaredSlot:
    return DeclaredSlot(name="tts", file="slots/tts.toml", **keys)


@pytest.mark.parametrize(("sides", "result", "kind"), ROWS)
def test_row_of_the_table(sides, result, kind):
    base, overlay, slot = sides
    merged = merge(chosen(enabled=True, model=overlay), declared(enabled=True, model=slot), MergeBase(model=base))
    assert merged.model == result
    assert [(f.field, f.kind) for f in merged.findings] == ([("model", kind)] if kind else [])


def test_an_absent_slot_file_takes_the_overlay():
    merged = merge(chosen(enabled=True, device="cpu", model=B), None, MergeBase())
    assert (merged.enabled, merged.device, merged.model, merged.findings) == (True, "cpu", B, ())


def test_a_deleted_slot_file_says_off():
    assert merge(chosen(enabled=True, device="cpu", model=A), None, MergeBase(enabled=True)).enabled is False


def test_a_legacy_backend_is_the_slots_device():
    merged = merge(chosen(enabled=True, device="cpu"), declared(backend="vulkan"), MergeBase(device="gpu-vulkan"))
    assert merged.device == "cpu"


values = st.sampled_from([None, A, B, C])
devices = st.sampled_from([None, "cpu", "npu", "gpu-rocm"])
switches = st.sampled_from([None, True, False])
selections = st.none() | st.builds(chosen, enabled=switches, device=devices, model=values)
slots = st.builds(declared, enabled=switches, device=devices, model=values)
bases = st.builds(MergeBase, enabled=switches, device=devices, model=values)


@given(selections, slots, bases)
def test_writing_the_result_to_both_files_is_a_fixpoint(selection, slot, base):
    merged = merge(selection, slot, base)
    if selection is None or any(f.kind == "conflict" for f in merged.findings):
        return
    wrote = {field: getattr(merged, field) for field in FIELDS}
    both = (msgspec.structs.replace(selection, **wrote), msgspec.structs.replace(slot, **wrote))
    base = next_base(*both, base)
    again = merge(*both, base)
    assert {field: getattr(again, field) for field in FIELDS} == wrote
    assert again.findings == ()
    assert next_base(*both, base) == base


@given(selections, slots, bases)
def test_repeating_it_in_memory_changes_nothing(selection, slot, base):
    merged = merge(selection, slot, base)
    if selection is not None and not any(f.kind == "conflict" for f in merged.findings):
        effective = merge(selection, slot, next_base(selection, slot, base))
        assert [getattr(effective, f) for f in FIELDS] == [getattr(merged, f) for f in FIELDS]


@given(selections, slots)
def test_where_nothing_may_be_merged_the_slot_counts(selection, slot):
    compared = compare(selection, slot)
    assert (compared.enabled, compared.device, compared.model) == (slot.enabled, slot.device, slot.model)
    assert all(finding.kind == "conflict" for finding in compared.findings)
