"""The settings file: text to settings, with everything that is wrong with it."""

from hal0_operator.desired import toml
from hal0_operator.desired.faults import Faults
from hal0_operator.desired.gitops_keys import gitops_settings
from hal0_operator.desired.positions import locate
from hal0_operator.desired.settings_keys import SETTINGS
from hal0_operator.desired.source import SourceFile
from hal0_operator.desired.table import walk
from hal0_operator.model.problem import Problem
from hal0_operator.model.settings import (
    DeviceSettings,
    FamilySettings,
    LoopSettings,
    Policy,
    ProbeSettings,
    Settings,
)

SETTINGS_LIMIT = 1 << 20
"""Bytes of a settings file; what is larger is none, and is not to be read to its end."""

_TABLES = {"loop": LoopSettings, "probe": ProbeSettings, "devices": DeviceSettings, "policy": Policy}


def decode_settings(source: SourceFile) -> tuple[Settings, tuple[Problem, ...]]:
    """The settings, a key at its default where it is bad; ``settings.schema`` problems with places.

    Whoever starts the operator refuses to when there are any.
    """
    faults = Faults(source.file, "settings.schema")
    settings = _settings(source, faults)
    return settings, locate(faults.problems, {source.file: source})


def _settings(source: SourceFile, faults: Faults) -> Settings:
    if source.refused:
        faults.value((), source.refused)
        return Settings()
    doc = toml.parse(source.data)
    if isinstance(doc, toml.Fault):
        faults.at(doc.at, doc.message, doc.hint, doc.path)
        return Settings()
    values = walk(doc, SETTINGS, faults).values
    tables = {name: struct(**values.pop(name, {})) for name, struct in _TABLES.items()}
    families = {name: FamilySettings(**keys) for name, keys in values.pop("families", {}).items()}
    gitops = gitops_settings(values.pop("gitops"), faults) if "gitops" in values else None
    return Settings(**values, **tables, families=families, gitops=gitops)
