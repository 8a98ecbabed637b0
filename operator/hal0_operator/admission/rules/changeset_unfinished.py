"""A change was committed, but some file could not be replaced yet.

Whoever reads the home sees the new state already.  The next writer, or the running operator, completes the files.

Example: the disk failed while the second of two files was exchanged.

Fix: what the message names.  Nothing has to be asked for again.
"""

CODE = "changeset.unfinished"
