"""profiles.toml, or an entry of it, cannot be read.

An entry needs an `image`; unknown keys and values that cannot be are refused with their place.  Entries of older
hal0 releases have no image, which came from the slot's runner then: write it into the entry.  An entry that
cannot be read stays in force as it last was, and the other entries do not suffer.

Example: `[profile.fast]` without `image`; `flags = 3`.

Fix: correct the key that the message points to.
"""

CODE = "profile.schema"
