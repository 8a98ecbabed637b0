"""Several files match a slot's model.

A model that is named neither by a path nor in the registry is looked for below the model store: the one file
whose name without its ending matches.  With several, none is chosen and the slot does not start.

Example: `default = "qwen3-4b"` with `a/qwen3-4b.gguf` and `b/qwen3-4b.gguf` in the store.

Fix: write the path below the store.
"""

CODE = "model.ambiguous"
