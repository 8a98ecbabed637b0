"""What people write into a home, by chance."""

import msgspec

from tests.sim.home import IDLE_S
from tests.sim.machine import DEAF_MODEL
from tests.sim.trouble import LATE, STUB, Trouble

GARBAGE = ("port = 08101\n[model", "", "device = cpu\n", '[model]\ndefault = "m"\nportt = 1\n')


class Edits(Trouble):
    """Trouble with edits: good ones, bad ones, and files that come and go."""

    def chat(self) -> str | None:
        """A slot of an ordinary profile."""
        found = [name for name in self.wants if name.startswith(("s", "any", "dev")) and not name.startswith("stt")]
        return self.rng.choice(found) if found else None

    def write(self, name: str, **fields: object) -> None:
        self.wants[name] = msgspec.structs.replace(self.wants[name], **fields)
        self.sim.home.slot(name, self.wants[name].text)
        self.sim.edit()

    def do_edit_context(self) -> "bool | None":
        if (name := self.chat()) is None:
            return False
        self.write(name, context=self.rng.choice((2048, 4096, 8192)))

    def do_edit_model(self) -> "bool | None":
        if (name := self.chat()) is None:
            return False
        self.write(name, model=self.rng.choice(("m", "n", "crash", "flaky")))

    def do_ask_for_a_slow_one(self) -> "bool | None":
        if (name := self.chat()) is None:
            return False
        self.write(name, model="slow", timeout=self.rng.choice((3, 10)))

    def do_edit_port(self) -> "bool | None":
        if (name := self.chat()) is None:
            return False
        self.write(name, port=self.a_port() if self.rng.random() < 0.8 else None)

    def do_swap_ports(self) -> "bool | None":
        found = [name for name, want in self.wants.items() if name.startswith("s") and want.port]
        if len(found) < 2:
            return False
        one, two = self.rng.sample(found, 2)
        ports = self.wants[one].port, self.wants[two].port
        for name, port in zip((two, one), ports, strict=True):
            self.wants[name] = msgspec.structs.replace(self.wants[name], port=port)
            self.sim.home.slot(name, self.wants[name].text)
        self.sim.edit()

    def do_turn(self) -> None:
        name = self.rng.choice(list(self.wants))
        self.write(name, enabled=not self.wants[name].enabled)

    def do_suspend_in_the_file(self) -> None:
        name = self.rng.choice(list(self.wants))
        self.write(name, suspend=not self.wants[name].suspend)

    def do_turn_a_record(self) -> "bool | None":
        """And somebody asks for it at once."""
        found = [name for name, want in self.wants.items() if want.device == "npu" and want.type]
        if not found:
            return False
        name = self.rng.choice(found)
        self.write(name, enabled=not self.wants[name].enabled)
        self.sim.requests.ask(name, length=self.rng.choice((0.1, 5)))

    def do_edit_the_npus_model(self) -> "bool | None":
        """One of them does not start with ``--asr``."""
        found = [name for name, want in self.wants.items() if want.profile == "flm" and not want.type]
        if not found:
            return False
        self.write(self.rng.choice(found), model=self.rng.choice((DEAF_MODEL, "gemma3:1b")))

    def do_switch_speech_on_in_vain(self) -> "bool | None":
        """Its chat model serves, and does not start together with it."""
        chats = [n for n, want in self.wants.items() if want.profile == "flm" and not want.type and want.enabled]
        records = [n for n, want in self.wants.items() if want.type == "transcription"]
        if not chats or not records:
            return False
        chat, record = chats[0], records[0]
        self.write(record, enabled=False)
        self.write(chat, model=DEAF_MODEL)
        self.sim.run(self.rng.choice((3, 8)))
        self.write(record, enabled=True)
        self.sim.requests.ask(record, length=self.rng.choice((0.1, 5)))

    do_switch_speech_on_in_vain_again = do_switch_speech_on_in_vain

    def do_load_on_demand(self) -> None:
        name = self.rng.choice(list(self.wants))
        want = self.wants[name]
        self.write(name, on_demand=not want.on_demand, idle=self.rng.choice(IDLE_S))

    def do_hand_the_npu_over(self) -> "bool | None":
        pair = [name for name, want in self.wants.items() if want.profile == "flm" and not want.type]
        if len(pair) != 2:
            return False
        first = self.rng.random() < 0.5
        for name, enabled in zip(pair, (first, not first), strict=True):
            self.wants[name] = msgspec.structs.replace(self.wants[name], enabled=enabled)
            self.sim.home.slot(name, self.wants[name].text)
        self.sim.edit()

    def do_delete(self) -> None:
        self.sim.home.slot(self.rng.choice(list(self.wants)), None)
        self.sim.edit()

    do_delete_another = do_delete

    def do_write_again(self) -> None:
        for name, want in self.wants.items():
            self.sim.home.slot(name, want.text)
        self.sim.home.slots_folder = True
        self.sim.edit()

    def do_rename_the_folder(self) -> None:
        self.sim.home.slots_folder = not self.sim.home.slots_folder
        self.sim.edit()

    def do_garble(self) -> None:
        self.sim.home.slot(self.rng.choice(list(self.wants)), self.rng.choice(GARBAGE))
        self.sim.edit()

    def do_ask_for_an_unknown_profile(self) -> None:
        name = self.rng.choice(list(self.wants))
        self.sim.home.slot(name, msgspec.structs.replace(self.wants[name], profile="nonesuch").text)
        self.sim.edit()

    def do_edit_the_profile(self) -> None:
        self.sim.home.flags(f"--threads {self.rng.randint(1, 9)}")
        self.sim.edit()

    def do_break_the_profile(self) -> None:
        self.sim.home.flags("--threads crash")
        self.sim.edit()

    def do_deny_the_profile(self) -> None:
        self.sim.home.flags("--port 9")
        self.sim.edit()

    def do_garble_profiles(self) -> None:
        self.sim.home.write("profiles.toml", "[profile.stub\n")
        self.sim.edit()

    def do_change_the_image(self) -> None:
        self.sim.home.flags("", self.rng.choice((STUB, LATE, "localhost/none:1")))
        self.sim.edit()

    def repair(self) -> None:
        """The home is good again, and what was rejected gets its second chance."""
        for name, want in self.wants.items():
            first = self.first[name]
            good = want.model if want.model in ("m", "n") or want.device == "npu" else "m"
            fixed = msgspec.structs.replace(want, model=good, port=first.port, suspend=False, timeout=0)
            if fixed.profile == "flm" and not fixed.type:
                fixed = first
            self.wants[name] = fixed
            self.sim.home.slot(name, fixed.text)
        self.sim.home.slots_folder = True
        self.sim.home.flags("--threads 2")
        self.sim.edit()

    def forgive(self) -> None:
        self.machine.broken_paths.clear()  # also those of calls that were cut off as calm began
        core = self.sim.reconciler
        for slot, target in sorted(core.aims.targets.items()):
            rejected = core.notes.of(slot).rejected
            if rejected is not None and rejected.digest == target.digest:
                self.sim.restart(slot)
