"""The operator's settings file cannot be used.

Unknown keys are errors there, because a misspelt policy would silently allow or forbid the wrong thing.  The
operator does not start with a faulty settings file.

Example: `[policy] image = ["ghcr.io/"]` instead of `images`.

Fix: correct the key; `hal0ctl schema config` prints all of them.
"""

CODE = "settings.schema"
