"""A file is laid out so that it cannot be edited without touching more than what was asked for.

Edits keep every other byte of a file, and are read back and compared before they are written.  Where that does
not come out, nothing is written.

Example: a key inside a list of tables.

Fix: edit the file by hand; the message says which key was to get which value.
"""

CODE = "changeset.layout"
