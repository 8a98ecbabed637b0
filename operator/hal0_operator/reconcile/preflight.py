"""Everything that can be known before a container is created, asked before the old one goes."""

import msgspec

from hal0_operator.model.action import Check, Effect, KillOrphan, ListName, Wait
from hal0_operator.model.container import (
    LABEL_GENERATION,
    LABEL_HOME,
    LABEL_MANAGED,
    LABEL_RENDERED,
    LABEL_SLOT,
    LABEL_SPEC,
    MANAGED_BY,
    ContainerSpec,
    container_name,
)
from hal0_operator.model.facts import HostFacts
from hal0_operator.model.world import Container, NameHolder
from hal0_operator.reconcile.holders import blocked_create, blocked_profile, blocked_swap, undead
from hal0_operator.reconcile.rollback import Effective
from hal0_operator.reconcile.state import Rendering
from hal0_operator.reconcile.view import View
from hal0_operator.runtimes import family

FACTS_KEEP_S = 5.0
NEED_LIST = Wait("list", "a fresh look at Podman")
NEED_IMAGES = Wait("images", "a look at the local images")


def preflight(v: View, wanted: Effective, own: Container | None) -> Effect | Wait | None:
    """None when a container of these inputs can be; ``own`` is the one that it replaces."""
    if (pause := outside_pause(v)) is not None:
        return pause
    if own is None:
        blocked = blocked_create(wanted.inputs, v.world)
    else:
        blocked = blocked_swap(wanted.inputs, own, v.world, v.peers)
        if blocked is None and v.target is not None and not wanted.rolled_back and own.digest != wanted.digest:
            blocked = blocked_profile(v.target, own, v.world, v.peers)
    if blocked is not None:
        return end_undead(v, wanted) or blocked
    if own is None and (step := _name_free(v)) is not None:
        return step
    if (step := _image_here(v, wanted)) is not None:
        return step
    return host_ready(v, wanted)


def outside_pause(v: View) -> Wait | None:
    """A call failed a moment ago, of something outside."""
    outside = v.state.outside
    if outside is None or not outside.binding or v.now >= outside.until:
        return None
    return Wait(outside.reason, outside.message, outside.until)


def end_undead(v: View, wanted: Effective) -> KillOrphan | None:
    """4.3 removes a container from under a process that was started, or stopped, at the same moment."""
    ghost = undead(wanted.inputs, v.world, v.now)
    if ghost is None:
        return None
    why = f"its container {ghost.id[:12]} is gone, and process {ghost.pid} of {ghost.slot} lives on"
    return KillOrphan(v.slot, ghost.pid, ghost.id, why)


def host_ready(v: View, wanted: Effective) -> Effect | Wait | None:
    """None when fresh host facts show nothing in the way."""
    if (pause := outside_pause(v)) is not None:
        return pause
    if not facts_fresh(v, wanted):
        return Check(v.slot, family(wanted.inputs.family).needs(wanted.inputs, v.settings), v.world.freed)
    facts = v.state.facts
    assert facts is not None
    if facts.problem:
        return Wait(facts.problem, facts.message)
    if facts.port_conmon:
        # Before the NPU: it may be this orphan's process that has it open.
        return _orphan(v, facts)
    if facts.npu_holders:
        return _npu_orphan(v, facts) or Wait(
            "NPUHeld", f"the NPU's device node is open in {', '.join(facts.npu_holders)}"
        )
    if facts.port_holder:
        return Wait("PortHeld", f"port {wanted.inputs.port} is held by {facts.port_holder}")
    return None


def _npu_orphan(v: View, facts: HostFacts) -> KillOrphan | None:
    """A process of a container that this home created, and that Podman does not know any more."""
    for pid, id in facts.npu_contained:
        if id in v.world.recorded and id not in v.world.containers and id not in v.world.ghosts:
            why = f"its container {id[:12]} is gone, and process {pid} has the NPU's device node open"
            return KillOrphan(v.slot, pid, id, why)
    return None


def facts_fresh(v: View, wanted: Effective) -> bool:
    """For the NPU also newer than the last container that went: its process may have the node open still."""
    state = v.state
    if wanted.inputs.family == "flm" and state.facts_freed != v.world.freed:
        return False
    return state.facts is not None and state.facts_for == wanted.digest and v.now - state.facts_at <= FACTS_KEEP_S


def takes_nodes(v: View, wanted: Effective) -> bool:
    """Whether device nodes, frozen at create, are part of the container."""
    needs = family(wanted.inputs.family).needs(wanted.inputs, v.settings)
    return bool(needs.nodes or needs.gpu or needs.render or needs.npu)


def spec_of(v: View, wanted: Effective, facts: HostFacts) -> ContainerSpec:
    """The family's rendering with our labels; ``dev.hal0.rendered`` covers all but the labels."""
    made = _rendering(v, wanted, facts)
    spec = made.spec
    if wanted.image_id in v.world.images:
        # Only how it is asked for differs: what was rendered is the same.
        spec = msgspec.structs.replace(spec, image=wanted.image_id)
    labels = {
        **spec.labels,
        LABEL_MANAGED: MANAGED_BY,
        LABEL_HOME: v.world.home,
        LABEL_SLOT: v.slot,
        LABEL_SPEC: wanted.digest,
        LABEL_RENDERED: made.rendered,
        LABEL_GENERATION: v.target.generation if v.target else "",
    }
    return msgspec.structs.replace(spec, labels=labels)


def rendered_of(v: View, wanted: Effective, facts: HostFacts) -> str:
    """What ``dev.hal0.rendered`` would say if the container were created now."""
    return _rendering(v, wanted, facts).rendered


def _rendering(v: View, wanted: Effective, facts: HostFacts) -> Rendering:
    """Made anew only when the inputs or the facts are others: creating, starting and every status ask for it."""
    known = v.state.rendering
    if known is None or known.inputs is not wanted.inputs or known.facts is not facts:
        spec = family(wanted.inputs.family).render(wanted.inputs, facts, v.settings)
        known = v.state.rendering = Rendering(wanted.inputs, facts, spec, spec.rendered)
    return known


def _name_free(v: View) -> Effect | Wait | None:
    """After create was refused the name: who has it, and is it a leftover that cannot run?"""
    state = v.state
    if not state.ask_name:
        return None
    name = container_name(v.slot)
    holders = _holders(v, name)
    if holders is None:
        return ListName(v.slot, name)
    for holder in holders:
        home = holder.labels.get(LABEL_HOME, "")
        if home and holder.labels.get(LABEL_SLOT):
            whose = f'the home {home}; set `home_id = "{home}"` in the settings if that is this home'
        else:
            whose = "something else; rename or remove it"
        return Wait("NameConflict", f"the name {name} belongs to container {holder.id[:12]} of {whose}")
    return None


def _holders(v: View, name: str) -> tuple[NameHolder, ...] | None:
    """None until Podman was asked about this name."""
    return v.state.holders if v.state.holders_of == name else None


def _image_here(v: View, wanted: Effective) -> Wait | None:
    image = wanted.inputs.image
    if not v.world.images_fresh:
        return NEED_IMAGES
    if wanted.image_id in v.world.images:
        return None
    if v.state.pull_again or image_id(v.world.images, image) is None:
        return Wait("Pulling", f"image {image} is being fetched")
    return None


def image_id(images: dict[str, str], reference: str) -> str | None:
    """The local image that a reference names; a reference without tag or digest means ``latest``."""
    known = images.get(reference)
    if known is None and "@" not in reference and ":" not in reference.rsplit("/", 1)[-1]:
        known = images.get(reference + ":latest")
    if known is None and "@" in reference:
        name, _, hashed = reference.partition("@")
        bare = name if ":" not in name.rsplit("/", 1)[-1] else name.rpartition(":")[0]
        known = images.get(f"{bare}@{hashed}")
    return known


def _orphan(v: View, facts: HostFacts) -> Effect | Wait:
    """The conmon of a slot of ours listens: an orphan if Podman does not know its id, else a holder."""
    name = facts.port_conmon_name
    slot = name.removeprefix(container_name(""))
    ours = slot == v.slot or slot in v.peers.targets or facts.port_conmon_id in v.world.recorded
    if not ours or facts.port_conmon_id in v.world.containers:
        return Wait("PortHeld", f"its port is held by {facts.port_holder}")
    holders = _holders(v, name)
    if holders is None:
        return ListName(v.slot, name)
    if any(holder.id.startswith(facts.port_conmon_id) for holder in holders):
        return Wait("PortHeld", f"its port is held by {facts.port_holder}")
    why = (
        f"orphan conmon {facts.port_conmon} holds the port for container {facts.port_conmon_id[:12]}, unknown to Podman"
    )
    return KillOrphan(v.slot, facts.port_conmon, facts.port_conmon_id, why)
