"""A slot was to be created under a name that has a file already.

Example: `hal0ctl slot create chat` with slots/chat.toml in the home.

Fix: choose another name, or change the one that is there: `hal0ctl slot edit`.
"""

CODE = "slot.exists"
