"""The model file that a slot refers to, looked up in the store, the allowed folders and hal0's registry."""

import os
import tomllib

import msgspec

from hal0_operator.desired.names import shown
from hal0_operator.host.fs import read_regular
from hal0_operator.host.store import Store, size_of
from hal0_operator.model.facts import ModelFile, Needs
from hal0_operator.runtimes.models import Entry, ModelProblem, registry_of, resolve
from hal0_operator.runtimes.rendering import below

REGISTRY_LIMIT = 4_194_304
"""Bytes of a registry; one row is some 300."""


class Models:
    """Remembers folders and the registry until they change; may be asked from several threads."""

    def __init__(self) -> None:
        self._store = Store()
        self._registry: tuple[tuple[str, int, int], dict[str, Entry]] = (("", 0, 0), {})

    def find(self, needs: Needs) -> ModelFile | ModelProblem | None:
        """None when the slot's family takes no model file."""
        if not needs.model:
            return None
        roots = needs.model_roots or (needs.store,)
        if not os.path.isdir(roots[0]):
            return ModelProblem(
                f"the model store {roots[0]} is not there: mount its disk, or set `model_store` in the settings"
            )
        registry, complaint = self._entries(needs.registry)
        files = [file for root in roots for file in self._store.files(root)]
        found = resolve(needs.model, roots, files, registry, size_of)
        if isinstance(found, ModelProblem):
            return ModelProblem(found.message + complaint, found.reason)
        return _within(found, roots)

    def _entries(self, path: str) -> tuple[dict[str, Entry], str]:
        """The registry's rows, and what to add to a message when it could not be read."""
        if not path:
            return {}, ""
        try:
            found = os.stat(path)
            identity = (path, found.st_ino, found.st_mtime_ns)
            if self._registry[0] != identity:
                data = read_regular(os.path.realpath(path), REGISTRY_LIMIT)
                self._registry = (identity, registry_of(tomllib.loads(data.decode())))
        except (OSError, ValueError, RecursionError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not valid TOML"
            return {}, f" (the registry {path} was not read: {reason})"
        return self._registry[1], ""


def _within(found: ModelFile, roots: tuple[str, ...]) -> ModelFile | ModelProblem:
    """A link in the store may lead where the container has no mount."""
    real = os.path.realpath(found.path)
    if any(below(real, root) or below(real, os.path.realpath(root)) for root in roots):
        return found if real == found.path else msgspec.structs.replace(found, links_to=real)
    return ModelProblem(
        f"{found.path} is a link to {shown(real)}, which the container cannot see: move the file into {roots[0]}, "
        "or allow its folder in the settings ([policy] mounts)"
    )
