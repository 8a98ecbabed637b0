"""A slot file says nothing.

An empty file, or one of comments only, is what an editor or a full disk leaves behind half-way.  It never
counts as a slot with every default, nor as a deleted one.

Example: `slots/chat.toml` with no key in it.

Fix: write the slot, set `enabled = false` to turn it off, or delete the file to remove it.
"""

CODE = "slot.empty"
