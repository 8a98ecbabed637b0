"""capabilities.toml, or a selection in it, cannot be read.

A selection has device, model, enabled and provider; `""` counts as absent.  A selection that cannot be read stays
in force as it last was.

Example: `enabled = "yes"`, or `schema_version = 3`.

Fix: correct the key that the message points to.
"""

CODE = "capability.schema"
