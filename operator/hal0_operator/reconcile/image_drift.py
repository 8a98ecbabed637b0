"""An image's name that points to another image than the one that runs: shown, never acted on unasked."""

from hal0_operator.reconcile.preflight import image_id
from hal0_operator.reconcile.view import View

SHOWN = 12
"""Characters of an image id, as Podman shows them."""


def image_drift(v: View) -> str:
    """Both ids and the way out, or ``""``: the container is right in all that the home says."""
    own, wanted = v.own[0] if v.own else None, v.effective
    if own is None or wanted is None or wanted.rolled_back or own.digest != wanted.digest:
        return ""
    now = image_id(v.world.images, wanted.inputs.image)
    if not now or not own.image_id or now == own.image_id:
        return ""
    name, ids = wanted.inputs.image, f"{now[:SHOWN]} now, {own.image_id[:SHOWN]} runs"
    return f"{name} is {ids}; `hal0ctl restart {v.slot}` applies it, with --pull after a fresh pull"
