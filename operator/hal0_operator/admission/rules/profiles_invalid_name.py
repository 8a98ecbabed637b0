"""A profile's name is not allowed.

Names are small letters, digits, `-` and `_`, beginning with a letter or digit, at most 32 characters.

Example: `[profile."My Profile"]`.

Fix: rename the entry, and in the slots that name it.
"""

CODE = "profiles.invalid_name"
