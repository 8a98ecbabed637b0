"""The keys of a slot file."""

from hal0_operator.desired.environment import Environment
from hal0_operator.desired.rules import MODEL_NAME, SECONDS, SOME_SECONDS, Anything, Choice, Switch, Text, Whole, Words
from hal0_operator.desired.table import Key, Table
from hal0_operator.model.device import DEVICES, LEGACY_BACKENDS
from hal0_operator.model.slot import MIN_CONTEXT_SIZE, SLOT_TYPES

LEGACY = Anything()

N_GPU_LAYERS = Key(Whole(-1, 65535), "Layers to put on the GPU; -1 leaves it to the server.", "n_gpu_layers")

OPERATOR = Table(
    "The operator's own settings of this slot.",
    {
        "suspend": Key(Switch(), "true leaves the slot's container alone, whatever else changes.", "suspend"),
        "load": Key(Choice(("always", "on-demand")), "When the model is loaded: always, or at a request.", "load"),
        "ready_timeout_s": Key(SOME_SECONDS, "Seconds a start may take before it counts as failed.", "ready_timeout_s"),
    },
    field="operator",
)

MODEL = Table(
    "Which model, and how much of it.",
    {
        "default": Key(MODEL_NAME, "The model: a name in the registry, or a file below the model store.", "model"),
        "context_size": Key(
            Whole(MIN_CONTEXT_SIZE, hint="tokens; leave it out for 8192"), "Context in tokens.", "context_size"
        ),
        "ctx_size": Key(Whole(MIN_CONTEXT_SIZE), "Another name of context_size, and the stronger one.", "ctx_size"),
        "n_gpu_layers": N_GPU_LAYERS,
        "extra": Key(LEGACY, "Kept by hal0 for itself; without effect.", ignored=True),
        "labels": Key(LEGACY, "Known to hal0; without effect.", ignored=True),
        "rope_freq_base": Key(LEGACY, "Known to hal0; without effect.", ignored=True),
    },
    {"context": "did you mean `context_size`?", "name": "did you mean `default`?", "path": "did you mean `default`?"},
)

SERVER = Table(
    "How the model's server is started.",
    {
        "extra_args": Key(
            Words(), "Flags for this slot alone, after the profile's; split like a shell's words.", "extra_args"
        ),
        "env": Key(Environment(), "Variables for this slot's container.", "env"),
    },
)

NPU = Table(
    "Roles of the NPU slot as hal0 noted them; the enabled shadow records decide.",
    {
        "asr": Key(Switch(), "Speech to text was wanted.", "npu_asr"),
        "embed": Key(Switch(), "Embeddings were wanted.", "npu_embed"),
        "chat": Key(Switch(), "Chat was wanted."),
    },
)

IMAGE = Table(
    "Image-generation settings as hal0 noted them.",
    {
        "idle_restore_minutes": Key(LEGACY, "Minutes until hal0 gave the GPU back; without effect."),
        "default_size": Key(LEGACY, "Size of an image where a request names none."),
        "default_steps": Key(LEGACY, "Steps where a request names none."),
    },
)

DEFAULTS = Table(
    "Defaults of an older hal0.",
    {
        name: Key(LEGACY, "Known to hal0; without effect.", ignored=True)
        for name in ("load_asr", "load_embed", "threads", "context_size")
    },
)

_IGNORED = (
    *("role", "workers", "enable_thinking", "chat_template", "id", "served_by", "default", "lru", "pinned"),
    *("autoload", "parallel", "gpu_index", "threads", "binary", "image_pin", "default_voice", "default_speed"),
    *("default_response_format", "default_language", "system_prompt"),
)

SLOT = Table(
    "One named model endpoint. Its name is the file's name.",
    {
        "type": Key(Choice(SLOT_TYPES), "What the slot serves; by the slot's name when absent, else llm.", "type"),
        "device": Key(
            Choice(DEVICES, "device.unknown", LEGACY_BACKENDS), "Where it runs; gpu-rocm when absent.", "device"
        ),
        "backend": Key(
            Choice(tuple(LEGACY_BACKENDS), "device.unknown"),
            "Deprecated: hal0's older word for device.",
            "backend",
            deprecated=True,
        ),
        "profile": Key(Text(), "How it runs: a profile by name; by type and device when absent.", "profile"),
        "enabled": Key(Switch(), "false turns the slot off; true when absent.", "enabled"),
        "port": Key(Whole(1, 65535, "leave it out and the operator chooses one"), "The port on 127.0.0.1.", "port"),
        "mtp": Key(Switch(), "Speculative decoding; the profile's toggle when absent.", "mtp"),
        "image": Key(Text(), "Another image than the profile's.", "image", table=IMAGE),
        "idle_timeout_s": Key(
            SECONDS, 'Idle seconds until a slot with load = "on-demand" is stopped; 0: never.', "idle_timeout_s"
        ),
        "vision": Key(Switch(), "false turns the model's image projector off.", "vision"),
        "n_gpu_layers": N_GPU_LAYERS,
        "name": Key(Text(), "The slot's name; must be the file's name.", "name"),
        "runtime": Key(LEGACY, "Accepted from hal0; every slot runs in a container."),
        "provider": Key(Text(), "hal0's word for the runtime; the profile decides.", "provider"),
        **{name: Key(LEGACY, "Known to hal0; without effect.", ignored=True) for name in _IGNORED},
        "model": MODEL,
        "server": SERVER,
        "npu": NPU,
        "defaults": DEFAULTS,
        "operator": OPERATOR,
    },
    {
        "ctx_size": "its place is `ctx_size` below [model]",
        "flags": "flags belong to the profile; this slot's own go into `extra_args` below [server]",
        "mounts": "mounts belong to the profile",
        "devices": "device nodes belong to the profile",
    },
)
"""Every key at its place.  The scalars may stand below ``[slot]`` as well."""
