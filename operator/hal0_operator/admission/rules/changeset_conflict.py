"""A file changed between the reading that a change was computed from and the writing.

Nothing was written: the newer content counts.  So it is when `If-Match` names an older version of the object.

Example: an editor saved slots/chat.toml while `hal0ctl slot edit chat` was at work.

Fix: look at the file as it is now, and ask again.
"""

CODE = "changeset.conflict"
