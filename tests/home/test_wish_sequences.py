"""Any order of hand edits, wishes, kills and restarts: overlay and slot never say on and off at once."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hal0_operator.changes.refusal import Refusal
from hal0_operator.changes.wish import CreateSlot, DeleteSlot, EditSlot, SetCapability, Wish
from tests.home.operators import HomeSide
from tests.support.syscalls import interposed

MODELS = st.sampled_from(["a", "b", "c"])
DEVICES = st.sampled_from(["cpu", "gpu-rocm", "gpu-vulkan"])
SWITCHES = st.sampled_from([True, False, None])


class Killed(BaseException):
    """The process ends here."""


def slot_text(model: str | None, enabled: bool | None) -> str:
    on = "" if enabled is None else f"enabled = {str(enabled).lower()}\n"
    named = f'[model]\ndefault = "{model}"\n' if model else ""
    return f'# by hand\ntype = "tts"\ndevice = "cpu"\nport = 8085\n{on}{named}'


def overlay_text(model: str | None, enabled: bool | None) -> str:
    on = "" if enabled is None else f"enabled = {str(enabled).lower()}\n"
    named = f'model = "{model}"\n' if model else ""
    return f'# by hand\nschema_version = 2\n[selections.voice.tts]\n{on}device = "cpu"\n{named}'


WISHES = st.one_of(
    st.builds(lambda on, model: SetCapability("voice.tts", {"enabled": on, "model": model}), st.booleans(), MODELS),
    st.builds(lambda on: SetCapability("voice.tts", {"enabled": on}), st.booleans()),
    st.builds(lambda model: EditSlot("tts", {"model": model}), MODELS),
    st.builds(lambda on: EditSlot("tts", {"enabled": on}), st.booleans()),
    st.builds(lambda device: SetCapability("embed.embed", {"enabled": True, "device": device, "model": "e"}), DEVICES),
    st.builds(lambda device: EditSlot("embed", {"device": device}), DEVICES),
    st.builds(lambda model: CreateSlot("tts", {"model": model}), MODELS),
    st.just(DeleteSlot("tts")),
)


class Sequences(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="hal0-sequences-"))
        (self.home / "slots").mkdir()
        (self.home / "slots/chat.toml").write_text('device = "gpu-rocm"\nport = 8081\n')
        self.side = HomeSide(self.home)
        self.admission = self.side.look()

    def teardown(self) -> None:
        shutil.rmtree(self.home)

    @rule(model=st.one_of(st.none(), MODELS), enabled=SWITCHES)
    def a_person_saves_the_slot(self, model: str | None, enabled: bool | None) -> None:
        (self.home / "slots/tts.toml").write_text(slot_text(model, enabled))

    @rule(model=st.one_of(st.none(), MODELS), enabled=SWITCHES)
    def a_person_saves_the_overlay(self, model: str | None, enabled: bool | None) -> None:
        (self.home / "capabilities.toml").write_text(overlay_text(model, enabled))

    @rule(name=st.sampled_from(["slots/tts.toml", "slots/embed.toml", "capabilities.toml"]))
    def a_person_deletes(self, name: str) -> None:
        (self.home / name).unlink(missing_ok=True)

    @rule()
    def the_operator_looks(self) -> None:
        self.admission = self.side.look()

    @rule(wish=WISHES)
    def somebody_wishes(self, wish: Wish) -> None:
        before = self.side.texts()
        try:
            self.side.wish(wish)
        except Refusal:
            assert self.side.texts() == before, "nothing was written"
        self.admission = self.side.look()

    @rule(wish=WISHES, number=st.integers(1, 60))
    def the_operator_is_killed_while_it_writes(self, wish: Wish, number: int) -> None:
        def die(count: int, _name: str, _args: object) -> None:
            if count >= number:
                raise Killed

        try:
            with interposed(die):
                self.side.wish(wish)
        except (Killed, Refusal):
            pass
        self.side.restart()
        self.admission = self.side.look()

    @rule()
    def the_operator_starts_anew(self) -> None:
        self.side.restart()
        self.admission = self.side.look()

    @invariant()
    def overlay_and_slots_agree(self) -> None:
        verdict = self.admission.verdict
        for name, dotted in verdict.bindings.items():
            selection, declared = verdict.admitted.selections.get(dotted), verdict.admitted.slots.get(name)
            if selection is None or selection.is_blank or selection.enabled is None:
                continue
            if {f"slot/{name}", f"capability/{dotted}"} & verdict.denied.keys() or name in verdict.frozen:
                continue
            on = declared is not None and declared.enabled is not False
            assert on == selection.enabled or (declared is None and selection.model is None), (selection, declared)

    @invariant()
    def looking_again_changes_nothing(self) -> None:
        found = self.side.look()
        texts, again = self.side.texts(), self.side.look()
        assert self.side.texts() == texts
        assert again.verdict.admitted == found.verdict.admitted
        self.admission = again


Sequences.TestCase.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
TestSequences = Sequences.TestCase
