"""What a runtime family is: one module with these names, registered in ``runtimes.FAMILIES``."""

import shlex
from typing import Protocol

from hal0_operator.model.container import ContainerSpec
from hal0_operator.model.facts import HostFacts, Needs
from hal0_operator.model.launch import LaunchInputs
from hal0_operator.model.probe import ProbeSpec
from hal0_operator.model.settings import Settings
from hal0_operator.model.slot import SlotType
from hal0_operator.runtimes.secrets import masked

Groups = tuple[tuple[tuple[str, ...], str], ...]
"""An argument vector in order: the tokens of each flag, and where it comes from."""

Argv = tuple[tuple[str, str], ...]
"""The same for people: each flag as one shell-quoted text."""

OPERATOR = "operator"
SLOT = "slot"
EXTRA_ARGS = "slot extra_args"

ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - inside the container only; the port is published on loopback


class FamilyModule(Protocol):
    """The questions that the operator asks a family.  All are pure and none raises."""

    @property
    def types(self) -> tuple[SlotType, ...]:
        """The slot types that it serves."""

    def needs(self, inputs: LaunchInputs, settings: Settings) -> Needs:
        """What the host must have before a container of these inputs may be created."""

    def render(self, inputs: LaunchInputs, facts: HostFacts, settings: Settings) -> ContainerSpec:
        """The container for these inputs on this host.  The loop adds the labels of slot and home."""

    def argv(self, inputs: LaunchInputs, model_path: str = "", projector: str = "", profile: str = "") -> Argv:
        """Every flag with its provenance: ``slot``, ``slot extra_args``, ``profile NAME``, ``mtp``, …

        ``profile`` is the catalogue's name, which launch inputs deliberately do not hold.  Without
        ``model_path`` the model stands as the slot refers to it.
        """

    def probe(self, inputs: LaunchInputs, settings: Settings) -> ProbeSpec:
        """How to find out whether it is ready."""

    def start_deadline_s(
        self, inputs: LaunchInputs, model_size: int, settings: Settings, slot_ready_timeout: float | None
    ) -> float:
        """Seconds from first seen running to Ready; ``model_size`` in bytes.

        The slot's ``ready_timeout_s`` goes before the settings' ``start_deadline_s``, and that
        before the family's own figure.
        """


def shown(groups: Groups) -> Argv:
    """For people: the values of flags that carry a secret (``--hf-token``) are masked."""
    return tuple((shlex.join(masked(tokens)), provenance) for tokens, provenance in groups)


def command(groups: Groups) -> tuple[str, ...]:
    return tuple(token for tokens, _ in groups for token in tokens)


def profile_provenance(profile: str) -> str:
    return f"profile {profile}" if profile else "profile"


def deadline(inputs: LaunchInputs, settings: Settings, slot_ready_timeout: float | None, default: float) -> float:
    """The start-up deadline by precedence: slot, settings, family."""
    configured = settings.family(inputs.family).start_deadline_s
    return next(s for s in (slot_ready_timeout, configured, default) if s is not None)
