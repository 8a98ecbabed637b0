"""The keys of capabilities.toml."""

from hal0_operator.desired.rules import MODEL_NAME, Choice, Switch, Text, Whole
from hal0_operator.desired.table import Key, Table
from hal0_operator.model.capability import CHILDREN, GROUPS
from hal0_operator.model.device import DEVICES, LEGACY_BACKENDS

SELECTION = Table(
    "What one capability asks of its slot; blank or absent is no opinion.",
    {
        "enabled": Key(Switch(), "Whether the capability is on.", "enabled"),
        "device": Key(Choice(DEVICES, "device.unknown", LEGACY_BACKENDS), "Where its slot is to run.", "device"),
        "model": Key(MODEL_NAME, "Its model: a name in the registry, or a file below the model store.", "model"),
        "provider": Key(Text(), "hal0's word for the runtime; the slot's profile decides.", "provider"),
        "backend": Key(
            Choice(tuple(LEGACY_BACKENDS), "device.unknown"),
            "Deprecated: hal0's older word for device.",
            "backend",
            deprecated=True,
        ),
    },
)

_GROUP_NAMES = {"embed": "Embeddings.", "voice": "Speech.", "img": "Images.", "vision": "Seeing."}

OVERLAY = Table(
    "capabilities.toml: the capability overlay.",
    {
        "schema_version": Key(Whole(1, 2, "this release reads 1 and 2"), "Version of this file: 2.", "schema_version"),
        "selections": Table(
            "Selections by group and child.",
            {
                group: Table(
                    _GROUP_NAMES[group],
                    {
                        child.name: Table(f"Bound to the slot {child.slot}. {SELECTION.about}", SELECTION.keys)
                        for child in CHILDREN.values()
                        if child.group == group
                    },
                )
                for group in GROUPS
            },
        ),
    },
)
