"""A file that is to be changed is itself held back.

What is in force of it is an older version than what it says, so a change of it would bring the refused part into
force as well, or lose it.

Example: `hal0ctl slot edit chat --port 8101` while slots/chat.toml has a typo.

Fix: correct the file first; `hal0ctl validate` shows what is wrong with it.
"""

CODE = "changeset.base_denied"
