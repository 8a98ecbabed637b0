"""Image layers and archives without a builder and without a registry.

A layer is an uncompressed tar, kept in a cache folder under the key that its maker gives.  An
archive is what ``podman load`` reads: several images in one file, sharing layers.
"""

import dataclasses
import fcntl
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Layer:
    """``diff_id`` is the SHA-256 of the tar, in hex."""

    path: Path
    diff_id: str


@dataclasses.dataclass(frozen=True)
class Image:
    """``name`` with registry and tag: ``localhost/stub:1``."""

    name: str
    layers: tuple[Layer, ...]
    env: dict[str, str]
    entrypoint: tuple[str, ...] = ()
    labels: dict[str, str] = dataclasses.field(default_factory=dict)


def digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One maker at a time per cache folder, over all processes."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def cached_layer(cache: Path, name: str, key: str, fill: Callable[[tarfile.TarFile], None]) -> Layer:
    """The layer ``name`` of this key, made by ``fill`` when it is not there yet.

    Older layers of the same name are removed.
    """
    target, record = cache / f"{name}-{key}.tar", cache / f"{name}-{key}.sha256"
    with locked(cache):
        if not record.exists():
            for old in cache.glob(f"{name}-????????????????.*"):
                old.unlink()
            with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as tar:
                fill(tar)
            with target.open("rb") as file:
                record.write_text(hashlib.file_digest(file, "sha256").hexdigest())
        return Layer(target, record.read_text())


def add_file(tar: tarfile.TarFile, source: Path, target: str) -> None:
    """A regular file, links followed, owned by root.  Its time stays: byte code is checked by it."""
    info = tar.gettarinfo(source.resolve(), target.lstrip("/"))
    info.type = tarfile.REGTYPE  # a second name of a hard-linked file is a file of its own here
    info.linkname = ""
    info.size = source.stat().st_size
    info.mtime = int(info.mtime)
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    with source.open("rb") as file:
        tar.addfile(info, file)


def add_text(tar: tarfile.TarFile, target: str, text: str, mode: int = 0o644) -> None:
    data = text.encode()
    info = tarfile.TarInfo(target.lstrip("/"))
    info.size, info.mode = len(data), mode
    tar.addfile(info, io.BytesIO(data))


def add_link(tar: tarfile.TarFile, target: str, to: str) -> None:
    info = tarfile.TarInfo(target.lstrip("/"))
    info.type, info.linkname = tarfile.SYMTYPE, to
    tar.addfile(info)


def add_folder(tar: tarfile.TarFile, target: str, mode: int = 0o755) -> None:
    info = tarfile.TarInfo(target.strip("/"))
    info.type, info.mode = tarfile.DIRTYPE, mode
    tar.addfile(info)


def write_archive(path: Path, images: Sequence[Image]) -> None:
    """A docker-archive of these images; each layer is stored once."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for layer in {layer.diff_id: layer for image in images for layer in image.layers}.values():
            info = tarfile.TarInfo(f"{layer.diff_id}.tar")
            info.size = layer.path.stat().st_size
            with layer.path.open("rb") as file:
                tar.addfile(info, file)
        manifest = []
        for image in images:
            config = json.dumps(_config(image), sort_keys=True)
            name = f"{hashlib.sha256(config.encode()).hexdigest()}.json"
            add_text(tar, name, config)
            layers = [f"{layer.diff_id}.tar" for layer in image.layers]
            manifest.append({"Config": name, "RepoTags": [image.name], "Layers": layers})
        add_text(tar, "manifest.json", json.dumps(manifest))


def _config(image: Image) -> dict[str, object]:
    run: dict[str, object] = {
        "Env": [f"{name}={value}" for name, value in image.env.items()],
        "Labels": image.labels,
    }
    if image.entrypoint:
        run["Entrypoint"] = list(image.entrypoint)
    return {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine),
        "os": "linux",
        "config": run,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.diff_id}" for layer in image.layers]},
        "history": [{"created_by": layer.path.name} for layer in image.layers],
    }
