"""Homes for the simulator: texts by file name, changed by name."""

import random

import msgspec

from hal0_operator.desired.source import HomeFiles, SourceFile

IDLE_S = (0, 5, 40)
PROFILES = """\
[profile.stub]
image = "{image}"
device_class = "cpu"
flags = "{flags}"

[profile.other]
image = "localhost/other:1"
device_class = "cpu"

[profile.dev]
image = "localhost/dev:1"
device_class = "cpu"
devices = ["/dev/sim0"]

[profile.voice]
image = "localhost/kokoro:1"
device_class = "cpu"
"""


class Want(msgspec.Struct, frozen=True, kw_only=True):
    """A slot file by its values; ``text`` is the file."""

    port: int | None = None
    model: str = "m"
    context: int = 4096
    profile: str = "stub"
    device: str = "cpu"
    type: str = ""
    enabled: bool = True
    suspend: bool = False
    timeout: int = 0
    on_demand: bool = False
    idle: int = 0

    @property
    def text(self) -> str:
        lines = [f'device = "{self.device}"', f'profile = "{self.profile}"']
        lines += [f"port = {self.port}"] if self.port else []
        lines += [f'type = "{self.type}"'] if self.type else []
        lines += [] if self.enabled else ["enabled = false"]
        lines += [f"idle_timeout_s = {self.idle}"] if self.idle else []
        lines += ["[model]", f'default = "{self.model}"', f"context_size = {self.context}"]
        if self.suspend or self.timeout or self.on_demand:
            lines.append("[operator]")
        lines += ["suspend = true"] if self.suspend else []
        lines += [f"ready_timeout_s = {self.timeout}"] if self.timeout else []
        lines += ['load = "on-demand"'] if self.on_demand else []
        return "\n".join(lines) + "\n"


def slot(
    port: int | None = None, model: str = "m", *, context: int = 4096, profile: str = "stub", suspend: bool = False
) -> str:
    return Want(port=port, model=model, context=context, profile=profile, suspend=suspend).text


def npu_want(port: int, *, enabled: bool = True, model: str = "gemma3:1b") -> Want:
    return Want(port=port, model=model, profile="flm", device="npu", enabled=enabled)


def npu(port: int, *, enabled: bool = True, model: str = "gemma3:1b") -> str:
    return npu_want(port, enabled=enabled, model=model).text


class Home:
    """``files`` is what a reading answers: a file's object changes with its text, as in a real one."""

    def __init__(self, slots: dict[str, str], flags: str = "") -> None:
        self.slots_folder = True
        self._files: dict[str, SourceFile] = {}
        self.flags(flags)
        for name, text in slots.items():
            self.slot(name, text)

    def slot(self, name: str, text: str | None) -> None:
        self.write(f"slots/{name}.toml", text)

    def flags(self, flags: str, image: str = "localhost/stub:1") -> None:
        """Edit the profile ``stub``."""
        self.write("profiles.toml", PROFILES.format(flags=flags, image=image))

    def write(self, file: str, text: str | None) -> None:
        before = self._files.get(file)
        if text is None:
            self._files.pop(file, None)
        elif before is None or before.data != text.encode():
            self._files[file] = SourceFile(file, text.encode())

    def files(self) -> HomeFiles:
        shown = {f: s for f, s in self._files.items() if self.slots_folder or not f.startswith("slots/")}
        return HomeFiles(shown, slots_folder=self.slots_folder)


def wants(rng: random.Random, first: int = 0) -> dict[str, Want]:
    """The slots of a home; ``first`` tells homes on one machine apart."""
    port = 8101 + 40 * first
    found = {f"s{n + 10 * first}": Want(port=port + n) for n in range(rng.randint(1, 4))}
    if rng.random() < 0.5:
        found |= {f"npu{first}": npu_want(port + 9), f"npu{first}b": npu_want(port + 10, enabled=False)}
        if rng.random() < 0.5:
            found[f"stt{first}"] = Want(device="npu", type="transcription", profile="flm", model="whisper")
        if rng.random() < 0.3:
            found[f"emb{first}"] = Want(device="npu", type="embedding", profile="flm", model="embed", enabled=False)
    if rng.random() < 0.3:
        found[f"any{first}"] = Want()
    if rng.random() < 0.3:
        found[f"dev{first}"] = Want(port=port + 11, profile="dev")
    if rng.random() < 0.2:
        found[f"tts{first}"] = Want(port=port + 12, profile="voice", type="tts")
    for name, want in found.items():
        if rng.random() < 0.3:
            found[name] = msgspec.structs.replace(want, on_demand=True, idle=rng.choice(IDLE_S))
    return found
