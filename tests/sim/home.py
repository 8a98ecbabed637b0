"""Homes for the simulator: texts by file name, changed by name."""

from hal0_operator.desired.source import HomeFiles, SourceFile

PROFILES = """\
[profile.stub]
image = "localhost/stub:1"
device_class = "cpu"
flags = "{flags}"

[profile.other]
image = "localhost/other:1"
device_class = "cpu"
"""


def slot(
    port: int | None = None,
    model: str = "m",
    *,
    context: int = 4096,
    profile: str = "stub",
    device: str = "cpu",
    extra: str = "",
) -> str:
    where = f"port = {port}\n" if port else ""
    return (
        f'device = "{device}"\nprofile = "{profile}"\n{where}{extra}\n'
        f'[model]\ndefault = "{model}"\ncontext_size = {context}\n'
    )


def npu(port: int, *, enabled: bool = True, model: str = "gemma3:1b") -> str:
    return slot(port, model, profile="flm", device="npu", extra=f"enabled = {str(enabled).lower()}\n")


class Home:
    """``files`` is what a reading answers: a file's object changes with its text, as in a real one."""

    def __init__(self, slots: dict[str, str], flags: str = "") -> None:
        self.slots_folder = True
        self._files: dict[str, SourceFile] = {}
        self.write("profiles.toml", PROFILES.format(flags=flags))
        for name, text in slots.items():
            self.slot(name, text)

    def slot(self, name: str, text: str | None) -> None:
        self.write(f"slots/{name}.toml", text)

    def flags(self, flags: str) -> None:
        """Edit the profile ``stub``."""
        self.write("profiles.toml", PROFILES.format(flags=flags))

    def write(self, file: str, text: str | None) -> None:
        if text is None:
            self._files.pop(file, None)
        else:
            self._files[file] = SourceFile(file, text.encode())

    def names(self) -> list[str]:
        return [file[6:-5] for file in self._files if file.startswith("slots/")]

    def files(self) -> HomeFiles:
        shown = {f: s for f, s in self._files.items() if self.slots_folder or not f.startswith("slots/")}
        return HomeFiles(shown, slots_folder=self.slots_folder)
