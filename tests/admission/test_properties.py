"""Whatever the files say: order-free, idempotent, closed on errors, and the same with a memo."""

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hal0_operator.admission.fixpoint import Memo, admit
from hal0_operator.admission.verdict import Context
from hal0_operator.model.capability import CHILDREN, Selection
from hal0_operator.model.problem import Problem, capability_key, profile_key, slot_key
from hal0_operator.model.profile import Profile
from hal0_operator.model.settings import Policy, Settings
from hal0_operator.model.slot import DeclaredSlot
from hal0_operator.model.snapshot import Admitted, Snapshot
from tests.admission.texts import seeds

DEVICES = (None, "gpu-rocm", "gpu-vulkan", "cpu", "npu")
SLOTS = ("chat", "npu", "npu2", "tts", "stt", "embed", "flm-stt")
PROFILES = ("mine", "other", "rocm", "rocm-mtp")
POLICIES = (Settings(), Settings(policy=Policy(images=("localhost/",))), Settings(policy=Policy(images=("ghcr.io/",))))


def _slot(name: str) -> st.SearchStrategy[DeclaredSlot]:
    return st.builds(
        DeclaredSlot,
        name=st.just(name),
        file=st.just(f"slots/{name}.toml"),
        type=st.sampled_from((None, None, "llm", "transcription", "embedding")),
        device=st.sampled_from(DEVICES),
        profile=st.sampled_from((None, None, "mine", "other", "rocm", "vulkan", "flm", "rocm-mtp", "nope")),
        enabled=st.sampled_from((None, True, False)),
        port=st.sampled_from((None, 9000, 9001, 8080)),
        model=st.sampled_from((None, "m", "n")),
        extra_args=st.sampled_from((None, None, "--jinja", "--port 1", "--embedding")),
    )


def _profile(name: str) -> st.SearchStrategy[Profile]:
    return st.builds(
        Profile,
        name=st.just(name),
        image=st.sampled_from(("localhost/llama:1", "localhost/kokoro:1", "ghcr.io/hal0ai/x:1", "nowhere:1")),
        backend=st.sampled_from((None, "rocm", "vulkan")),
        flags=st.sampled_from(("", "--jinja", "--reranking")),
    )


def _selection(dotted: str) -> st.SearchStrategy[Selection]:
    child = CHILDREN[dotted]
    return st.builds(
        Selection,
        group=st.just(child.group),
        child=st.just(child.name),
        enabled=st.sampled_from((None, True, False)),
        device=st.sampled_from(DEVICES),
        model=st.sampled_from((None, "m", "n")),
    )


def _some(names, make) -> st.SearchStrategy[dict]:
    return st.fixed_dictionaries({}, optional={name: make(name) for name in names})


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    slots, profiles = draw(_some(SLOTS, _slot)), draw(_some(PROFILES, _profile))
    selections = draw(_some(("voice.stt", "voice.tts", "embed.embed", "embed.rerank"), _selection))
    keys = [
        *map(slot_key, SLOTS),
        *map(profile_key, PROFILES),
        capability_key("voice.stt"),
        capability_key("voice.tts"),
    ]
    broken = draw(st.frozensets(st.sampled_from(keys), max_size=2))
    files = draw(st.frozensets(st.sampled_from(("profiles.toml", "capabilities.toml")), max_size=1))
    return Snapshot(
        slots={name: slot for name, slot in slots.items() if slot_key(name) not in broken},
        profiles={}
        if "profiles.toml" in files
        else {n: p for n, p in profiles.items() if profile_key(n) not in broken},
        selections={}
        if "capabilities.toml" in files
        else {n: s for n, s in selections.items() if capability_key(n) not in broken},
        broken=broken,
        broken_files=files,
        problems=tuple(Problem(code="slot.schema", message=f"{key} is bad", parties=(key,)) for key in sorted(broken)),
        digest=f"{draw(st.integers(0, 10**9)):x}",
    )


def _context(policy: Settings = POLICIES[0], **more: object) -> Context:
    return Context(seeds=seeds(), settings=policy, **more)


def _after(*states: Snapshot, context: Context | None = None) -> Admitted | None:
    last = None
    for state in states:
        last = admit(state, last, context or _context()).admitted
    return last


quick = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
contexts = st.builds(_context, st.sampled_from(POLICIES), strict_overlay=st.booleans())


@quick
@given(snapshots(), snapshots(), contexts)
def test_admitting_again_changes_nothing(first, second, context):
    verdict = admit(second, _after(first), context)
    again = admit(second, verdict.admitted, context)
    assert again.admitted == verdict.admitted
    assert again.slots == verdict.slots
    assert again.denied.keys() == verdict.denied.keys()
    assert again.frozen == verdict.frozen
    assert again.kept.keys() == verdict.kept.keys()
    assert again.generations == verdict.generations
    assert again.observed == verdict.observed


@quick
@given(snapshots(), snapshots(), contexts, st.randoms(use_true_random=False))
def test_the_order_of_files_does_not_matter(first, second, context, random):
    def shuffled(table: dict) -> dict:
        return dict(random.sample(sorted(table.items()), len(table)))

    other = msgspec.structs.replace(
        second,
        slots=shuffled(second.slots),
        profiles=shuffled(second.profiles),
        selections=shuffled(second.selections),
        problems=second.problems[::-1],
    )
    last = _after(first)
    assert admit(other, last, context) == admit(second, last, context)


@quick
@given(st.lists(st.tuples(snapshots(), contexts), min_size=1, max_size=4))
def test_a_memo_changes_no_answer(turns):
    memo, last = Memo(), None
    for snapshot, context in turns:
        verdict = admit(snapshot, last, context, memo)
        assert verdict == admit(snapshot, last, context)
        last = verdict.admitted


@quick
@given(snapshots(), snapshots())
def test_unreadable_input_removes_nothing(first, second):
    last = _after(first)
    verdict = admit(second, last, _context())
    for key in second.broken:
        kind, _, name = key.partition("/")
        table = {"slot": "slots", "profile": "profiles", "capability": "selections"}[kind]
        assert getattr(verdict.admitted, table).get(name) == getattr(last, table).get(name)
    if "profiles.toml" in second.broken_files:
        assert verdict.admitted.profiles == last.profiles
    if "capabilities.toml" in second.broken_files:
        assert verdict.admitted.selections == last.selections


@quick
@given(snapshots(), contexts)
def test_a_cold_start_admits_nothing_that_breaks_a_rule(candidate, context):
    verdict = admit(candidate, None, context)
    assert verdict.violations == {}
    faulty = {key for fault in verdict.problems if fault.severity == "error" for key in fault.parties}
    for name in verdict.admitted.slots:
        assert slot_key(name) not in faulty
    npu = [s for s in verdict.slots.values() if s.enabled and s.is_npu_chat]
    assert len(npu) <= 1


@quick
@given(snapshots(), snapshots(), contexts)
def test_every_object_is_in_one_version_or_the_other(first, second, context):
    last = _after(first)
    verdict = admit(second, last, context)
    for table in ("slots", "profiles", "selections"):
        for name, value in getattr(verdict.admitted, table).items():
            assert value in (getattr(second, table).get(name), getattr(last, table).get(name))
    assert not verdict.frozen & verdict.slots.keys()
    assert verdict.generations.keys() == verdict.slots.keys() | verdict.frozen
    assert verdict.observed.keys() == verdict.slots.keys()


@quick
@given(snapshots(), snapshots())
def test_what_was_refused_changes_nothing_in_force(first, second):
    """With every refused object put back by hand the verdict is the same.

    A slot file that was refused without a last version is still there, so it stands as unreadable.
    """
    last = _after(first)
    verdict = admit(second, last, _context())
    files = second.slots.keys() | {key[5:] for key in second.broken if key.startswith("slot/")}
    broken = frozenset(map(slot_key, files - verdict.admitted.slots.keys()))
    calm = Snapshot(
        slots=verdict.admitted.slots,
        profiles=verdict.admitted.profiles,
        selections=verdict.admitted.selections,
        broken=broken,
        digest=second.digest,
    )
    again = admit(calm, last, _context())
    assert again.denied.keys() == broken
    assert again.slots == verdict.slots
