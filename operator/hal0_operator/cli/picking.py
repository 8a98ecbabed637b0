"""What a new slot should be, asked on a terminal in a few short questions."""

from collections.abc import Callable, Container, Sequence
from typing import TextIO, TypeVar

from hal0_operator.admission.coherence import SERVES, default_profile, fits, needs_model
from hal0_operator.changes.coherence import device_for
from hal0_operator.changes.judged import Judged
from hal0_operator.changes.ports import FreePorts
from hal0_operator.changes.wish import Keys
from hal0_operator.cli.options import Failed
from hal0_operator.cli.output import neutral
from hal0_operator.model.device import DEVICES, Device
from hal0_operator.model.profile import Profile
from hal0_operator.model.slot import SLOT_TYPES, TYPE_BY_NAME, SlotType

T = TypeVar("T")


class Questions:
    """Lines of a terminal.  The end of the input ends all: ``Failed``."""

    def __init__(self, answers: TextIO, screen: TextIO) -> None:
        self._answers = answers
        self._screen = screen

    def one_of(self, what: str, options: Sequence[str], notes: Sequence[str]) -> int:
        """The index of an option, by its number or its name; Enter takes the first."""
        rows = [
            f"  {number}) {option}  {note}".rstrip()
            for number, (option, note) in enumerate(zip(options, notes, strict=True), 1)
        ]
        self._say([f"{what}:", *rows])

        def read(answer: str) -> int | None:
            if answer in options:
                return options.index(answer)
            number = int(answer) if answer.isdecimal() and len(answer) < 4 else 0
            return number - 1 if 0 < number <= len(options) else None

        return self._until(f"number [1, {options[0]}]: ", "1", read, f"a number from 1 to {len(options)}, or a name")

    def text(self, prompt: str) -> str:
        return self._ask(f"{prompt}: ")

    def port(self, offered: int | None) -> int | None:
        """Enter takes the offered one."""

        def read(answer: str) -> int | None:
            number = int(answer) if answer.isdecimal() and len(answer) < 6 else 0
            return number if 0 < number < 65536 else None

        if offered is None:
            return None
        return self._until(f"port [{offered}]: ", str(offered), read, "a number from 1 to 65535")

    def agreed(self, question: str) -> bool:
        return self._ask(f"{question} [y/N] ").casefold() in ("y", "yes")

    def _until(self, prompt: str, default: str, read: Callable[[str], T | None], wanted: str) -> T:
        while True:
            found = read(self._ask(prompt) or default)
            if found is not None:
                return found
            self._say([f"please answer with {wanted}"])

    def _ask(self, prompt: str) -> str:
        self._screen.write(neutral(prompt))
        self._screen.flush()
        line = self._answers.readline()
        if not line.endswith("\n"):
            raise Failed("the questions were not answered; nothing was changed")
        return line.strip()

    def _say(self, lines: Sequence[str]) -> None:
        self._screen.writelines(f"{neutral(line)}\n" for line in lines)


def picked(name: str, keys: Keys, now: Judged, ports: Container[int], questions: Questions) -> Keys:
    """Device, profile, model and port of a slot whose type is named, or follows from its name."""
    type: SlotType = keys["type"] if keys.get("type") in SLOT_TYPES else TYPE_BY_NAME.get(name, "llm")
    device = _device(type, now, questions)
    profile = _profile(type, device, now, questions)
    found: Keys = {"device": device, "profile": profile.name}
    must = needs_model(profile.family, type)
    model = questions.text(f"model (Enter: none{' yet, and the slot stays off' if must else ''})")
    if model:
        found["model"] = {"default": model}
    if "port" not in keys and not (device == "npu" and type in ("transcription", "embedding")):
        found["port"] = questions.port(FreePorts(now, ports).take())
    return found


def _device(type: SlotType, now: Judged, questions: Questions) -> Device:
    able = [device for device in DEVICES if _profiles(type, device, now)]
    if not able:
        raise Failed(f"no profile serves {type}: `hal0ctl profile list` shows what each one serves")
    default = device_for(type, None, now.catalogue)
    able.sort(key=lambda device: device != default)
    notes = [", ".join(profile.name for profile in _profiles(type, device, now)) for device in able]
    return able[questions.one_of(f"device of this {type} slot", able, notes)]


def _profile(type: SlotType, device: Device, now: Judged, questions: Questions) -> Profile:
    able = _profiles(type, device, now)
    names = [profile.name for profile in able]
    return able[questions.one_of("profile", names, [profile.intent for profile in able])]


def _profiles(type: SlotType, device: Device, now: Judged) -> list[Profile]:
    """Those that fit, the default first."""
    default = default_profile(type, device)
    able = [profile for profile in now.catalogue.values() if fits(device, profile) and type in SERVES[profile.family]]
    return sorted(able, key=lambda profile: (profile.name != default, not profile.seed))
