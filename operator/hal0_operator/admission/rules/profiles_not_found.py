"""A profile is to be shown, cloned, edited or deleted that does not exist.

Example: cloning `rocn`.

Fix: correct the name; `hal0ctl get profiles` lists them.
"""

CODE = "profiles.not_found"
