"""What verbs read without an operator: the settings file, the shipped profiles, the file system."""

import msgspec

from hal0_operator.cli.options import Failed, Paths
from hal0_operator.cli.problems import human
from hal0_operator.desired.profiles_file import parse_seeds
from hal0_operator.desired.settings import SETTINGS_LIMIT, decode_settings
from hal0_operator.desired.source import SourceFile
from hal0_operator.home.seeds import NotPackaged, shipped
from hal0_operator.host.fs import HostFs
from hal0_operator.model.profile import Profile
from hal0_operator.model.settings import Settings
from hal0_operator.seams.fs import Fs


def files() -> Fs:
    """The machine's file system."""
    return HostFs()


def seeds() -> dict[str, Profile]:
    """The shipped catalogue.  Raises ``Failed`` when the installation is damaged."""
    try:
        return parse_seeds(shipped("seeds", "profiles.toml"))
    except (NotPackaged, ValueError) as damage:
        raise Failed(str(damage)) from damage


def settings(paths: Paths) -> Settings:
    """The settings file with ``--model-store`` over it; defaults where there is no file.

    Raises ``Failed`` with every problem of the file, or when a named one is missing.
    """
    try:
        with open(paths.config, "rb") as file:
            data = file.read(SETTINGS_LIMIT + 1)
    except FileNotFoundError:
        if paths.config_named:
            raise Failed(f"{paths.config}: there is no such settings file") from None
        data = b""
    except OSError as fault:
        raise Failed(f"{paths.config}: {fault.strerror}") from fault
    if len(data) > SETTINGS_LIMIT:
        raise Failed(f"{paths.config}: larger than {SETTINGS_LIMIT >> 20} MiB, not a settings file")
    found, problems = decode_settings(SourceFile(paths.config, data))
    if problems:
        lines = [line for problem in problems for line in human(problem, data)]
        raise Failed("\n".join([f"{paths.config}: the settings file has errors", *lines]))
    return msgspec.structs.replace(found, model_store=paths.model_store) if paths.model_store else found
