"""A capability was switched on, and no model is known for it.

A server of that kind has nothing to serve without one.

Example: `hal0ctl capability set embed.embed --on` where neither the overlay nor slots/embed.toml names a model.

Fix: name one: `--model NAME`.
"""

CODE = "capability.no_model"
