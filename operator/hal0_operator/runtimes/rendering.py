"""What the containers and needs of all families have in common."""

from collections.abc import Mapping

from hal0_operator.model.container import ContainerSpec, Mount, container_name
from hal0_operator.model.facts import HostFacts, Needs
from hal0_operator.model.launch import LaunchInputs
from hal0_operator.model.profile import EnvValue, FileRef, SecretRef
from hal0_operator.model.settings import Settings
from hal0_operator.runtimes.devices import Nodes, groups_of
from hal0_operator.runtimes.secrets import is_secret_name


def container(
    inputs: LaunchInputs,
    facts: HostFacts,
    command: tuple[str, ...],
    mounts: tuple[Mount, ...],
    env: Mapping[str, EnvValue] | None = None,
) -> ContainerSpec:
    """A container with everything but the family's own security, limits and memory.

    ``env`` are the family's defaults, which profile and slot may override.
    """
    values = {**(env or {}), **inputs.env}
    nodes = tuple(sorted(facts.nodes, key=lambda node: node.path))
    return ContainerSpec(
        name=container_name(inputs.slot),
        image=inputs.image,
        command=command,
        env={name: text for name, value in values.items() if (text := _text(value, facts)) is not None},
        masked=tuple(
            sorted(n for n, v in values.items() if isinstance(v, FileRef) or (isinstance(v, str) and is_secret_name(n)))
        ),
        secret_env={name: value.secret for name, value in values.items() if isinstance(value, SecretRef)},
        mounts=mounts,
        devices=nodes,
        groups=groups_of(nodes),
        host_port=inputs.port,
        container_port=inputs.port,
    )


def needs(inputs: LaunchInputs, nodes: Nodes, mounts: tuple[Mount, ...], settings: Settings) -> Needs:
    """The needs of any family; the model is for the family to add."""
    return Needs(
        slot=inputs.slot,
        port=inputs.port,
        store=inputs.store,
        mounts=mounts,
        mount_roots=(settings.model_store, *settings.policy.mounts),
        nodes=nodes.named,
        gpu=nodes.gpu,
        render=nodes.render,
        npu=nodes.npu,
        secret_files=tuple(sorted({v.file for v in inputs.env.values() if isinstance(v, FileRef)})),
        secret_roots=settings.policy.secret_dirs,
    )


def mounts(inputs: LaunchInputs, *own: Mount) -> tuple[Mount, ...]:
    """The family's own mounts and the profile's; two for one target cannot be, so the profile's counts."""
    by_target = {mount.target: mount for mount in (*own, *map(parse_mount, inputs.mounts))}
    return tuple(by_target.values())


def parse_mount(text: str) -> Mount:
    """``SRC:DST[:ro]``; a text without a colon mounts at the same path.  Never raises."""
    source, _, rest = text.partition(":")
    target, _, options = rest.partition(":")
    return Mount(source, target or source, read_only="ro" in options.split(","))


def store_mount(inputs: LaunchInputs) -> Mount:
    """At the same path: links in the store have absolute targets."""
    return Mount(inputs.store, inputs.store, read_only=True)


def below(path: str, folder: str) -> bool:
    """Whether ``path`` is ``folder`` or lies in it; both absolute and without ``..``."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def security_opt(inputs: LaunchInputs, settings: Settings, default: tuple[str, ...] = ()) -> tuple[str, ...]:
    configured = settings.family(inputs.family).security_opt
    return default if configured is None else configured


def _text(value: EnvValue, facts: HostFacts) -> str | None:
    """A value that the operator passes itself; ``None`` for one that Podman fills in."""
    match value:
        case str():
            return value
        case FileRef(file=file):
            # The check that found these facts has already refused a missing file.
            return facts.secrets.get(file, "")
        case SecretRef():
            return None
