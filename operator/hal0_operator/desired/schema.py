"""JSON Schemas of the file kinds, from the tables that the decoder reads by.

Draft 7, which the TOML language servers taplo and tombi both read.  A schema is for an editor: it
knows keys, kinds and ranges; what needs the rest of the home is admission's.
"""

import json
from itertools import combinations
from typing import Any

from hal0_operator.desired.overlay_keys import OVERLAY
from hal0_operator.desired.profile_keys import PROFILE, PROFILES
from hal0_operator.desired.settings_keys import SETTINGS
from hal0_operator.desired.slot_keys import SLOT
from hal0_operator.desired.table import Table, schema_of
from hal0_operator.model.slot import NAME_PATTERN

DRAFT = "http://json-schema.org/draft-07/schema#"


def schemas() -> dict[str, dict[str, Any]]:
    """By kind: ``slot``, ``profiles``, ``capabilities``, ``config``."""
    return {
        "slot": _titled("Slot", _slot()),
        "profiles": _titled("Profiles", _profiles()),
        "capabilities": _titled("Capabilities", schema_of(OVERLAY)),
        "config": _titled("Settings", _config()),
    }


def rendered(schema: dict[str, Any]) -> str:
    """The text of a schema file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _titled(title: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"$schema": DRAFT, "title": title} | schema


def _config() -> dict[str, Any]:
    root = schema_of(SETTINGS)
    pairs = [{"required": list(pair)} for pair in combinations(("branch", "tag", "commit"), 2)]
    root["properties"]["gitops"] |= {"required": ["url"], "not": {"anyOf": pairs}}
    return root


def _slot() -> dict[str, Any]:
    root = schema_of(SLOT)
    below = schema_of(Table("The slot's keys; they may as well stand at the top of the file.", SLOT.keys))
    root["properties"] = {"slot": below} | root["properties"]
    return root | {"minProperties": 1}


def _profiles() -> dict[str, Any]:
    root = schema_of(PROFILES)
    entries = root["properties"]["profile"]
    del entries["properties"]
    entries["patternProperties"] = {NAME_PATTERN: schema_of(PROFILE) | {"required": ["image"]}}
    return root
