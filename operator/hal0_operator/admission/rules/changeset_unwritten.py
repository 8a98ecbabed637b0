"""A change could not be written, and nothing of it was.

The disk is full, the folder cannot be written to, or the disk failed.  The old state stands.

Example: `hal0ctl capability set voice.tts --on` with a home on a full disk.

Fix: what the message names; then ask again.
"""

CODE = "changeset.unwritten"
