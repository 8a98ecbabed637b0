"""hal0-operator: TOML slots, profiles and capabilities reconciled onto local Podman."""

__version__ = "0.1.0"
