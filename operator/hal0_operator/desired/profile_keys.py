"""The keys of a profile, one entry of profiles.toml."""

from hal0_operator.desired.environment import Environment
from hal0_operator.desired.rules import Choice, Many, Number, Switch, Text, Words
from hal0_operator.desired.table import Key, Table
from hal0_operator.model.device import DEVICE_CLASSES

MOUNT = r"^(/|\{store\})[^:]*:/[^:]*(:ro)?$"
NODE = r"^/dev/[^:]+$"

_SLOTS_OWN = "the slot owns it, not the profile"


PROFILE = Table(
    "A reusable container template: image, launch flags and the MTP toggle.",
    {
        "image": Key(Text(), "The container image, with its registry.", "image"),
        "flags": Key(Words(), "Launch flags, split like a shell's words; {store} is the model store.", "flags"),
        "mtp": Key(Switch(), "Speculative decoding with the model's own draft layers; false when absent.", "mtp"),
        "device_class": Key(
            Choice(DEVICE_CLASSES, meant={"gpu-rocm": "gpu", "gpu-vulkan": "gpu", "image": "img"}),
            "Kind of device that it needs; by the image when absent.",
            "device_class",
        ),
        "backend": Key(
            Choice(("rocm", "vulkan"), meant={"gpu-rocm": "rocm", "gpu-vulkan": "vulkan"}),
            "The GPU interface that the image is built for; either GPU device will do when absent.",
            "backend",
        ),
        "cloned_from": Key(Text(), "The profile that this one was copied from.", "cloned_from"),
        "intent": Key(Text(), "What it is tuned for, in words.", "intent"),
        "quant": Key(Text(), "The quantisation that it is tuned for, in words.", "quant"),
        "env": Key(Environment(), "Variables of the container; secrets by reference.", "env"),
        "mounts": Key(
            Many(Text(MOUNT, "SRC:DST or SRC:DST:ro with absolute paths", "{store} may begin SRC")),
            "Folders to mount, SRC:DST or SRC:DST:ro.",
            "mounts",
        ),
        "devices": Key(
            Many(Text(NODE, "the path of a node below /dev")), "Device nodes besides the family's.", "devices"
        ),
    },
    {
        "runner": 'hal0 took the image from the slot\'s runner; here the profile names it: image = "…"',
        "bench": "figures belong to the seeds alone; remove it",
        "model": _SLOTS_OWN,
        "context_size": _SLOTS_OWN,
        "port": _SLOTS_OWN,
        "device": "a profile has a `device_class`: gpu, cpu, npu or img",
    },
)

PROFILES = Table(
    "profiles.toml: the home's own profiles.",
    {"profile": Table("Profiles by name.", {})},
    {"legacy_seeds_migrated": "a mark of hal0 for itself; remove it"},
)
"""The file around the entries."""

BENCH = Table(
    "Measured figures of a seed.",
    {
        "tps": Key(Number("a number", above=True), "Tokens per second.", "tps"),
        "rtf": Key(Number("a number", above=True), "Real-time factor.", "rtf"),
    },
    field="bench",
)

SEED = Table(PROFILE.about, PROFILE.keys | {"bench": BENCH})
"""A profile of the shipped catalogue."""
