"""A profile is to be created or cloned under a name that is taken.

Shipped profiles and the home's own share one catalogue.

Example: cloning `rocm` to `vulkan`.

Fix: choose another name.
"""

CODE = "profiles.exists"
