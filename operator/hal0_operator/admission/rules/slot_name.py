"""A slot's name is not allowed, or differs from the file's.

A slot is called what its file is called: small letters, digits, `-` and `_`, beginning with a letter or digit,
at most 32 characters.  A `name` key must say the same; only hal0's files named by number may differ, where `id`
is that number.

Example: `slots/chat (copy).toml`, or `name = "chat"` in `slots/talk.toml`.

Fix: rename the file, or remove the `name` key.
"""

CODE = "slot.name"
