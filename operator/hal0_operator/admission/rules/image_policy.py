"""An image that the operator's policy does not allow.

What a home says becomes containers with the operator's rights, so the settings say where images may come
from: `[policy] images`, a list of prefixes.  An image without a registry is refused too, because what it means
depends on the machine.

Example: `image = "llama-server:latest"`, or an image of a registry that is not listed.

Fix: use an image of an allowed registry, or add a prefix to `[policy] images` in the settings file.
"""

import re
from collections.abc import Iterator

from hal0_operator.admission.view import Case, profile_error
from hal0_operator.desired.rules import clipped
from hal0_operator.model.problem import Problem
from hal0_operator.model.profile import Profile
from hal0_operator.model.settings import Settings

CODE = "image.policy"

_NAME = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[A-Za-z0-9+._-]+:[0-9A-Fa-f]{32,}"
_REFERENCE = re.compile(rf"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?(?:/{_NAME})+(?::{_TAG})?(?:@{_DIGEST})?")
"""As Podman reads one, so that what it would refuse is refused where it stands."""


def check_slot(case: Case) -> Iterator[Problem]:
    """The slot's own image, or the shipped profile's: for that one no entry of the home is to blame."""
    slot, profile = case.slot, case.profile
    if slot.image is not None:
        if fault := _fault(slot.image, case.settings):
            yield case.error(CODE, ("image",), *fault)
    elif profile is not None and profile.seed and (fault := _fault(profile.image, case.settings)):
        yield case.error(CODE, case.profile_path, *fault)


def check_profile(profile: Profile, settings: Settings) -> Iterator[Problem]:
    if fault := _fault(profile.image, settings):
        yield profile_error(profile.name, CODE, ("image",), *fault)


def _fault(image: str, settings: Settings) -> tuple[str, str] | None:
    allowed = settings.policy.images
    registry, slash, _ = image.partition("/")
    if not slash or not (registry == "localhost" or "." in registry or ":" in registry):
        return f"the image {clipped(image, 80)} names no registry", "write it in full, such as localhost/NAME:TAG"
    if _REFERENCE.fullmatch(image) is None:
        return f"the image {clipped(image, 80)} is no image reference", "write REGISTRY/NAME:TAG in small letters"
    if not any(_begins(image, prefix) for prefix in allowed):
        hint = "use one of these, or add a prefix to `[policy] images` in the settings file"
        return f"the image {clipped(image, 80)} is not allowed here; allowed are {', '.join(allowed) or 'none'}", hint
    return None


def _begins(image: str, prefix: str) -> bool:
    """A prefix without a slash is a whole registry, so that ``ghcr.io`` does not allow ``ghcr.io.example``."""
    return image.startswith(prefix if "/" in prefix else f"{prefix}/")
