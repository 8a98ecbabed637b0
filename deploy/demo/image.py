"""The image ``localhost/hal0-llama:demo``: llama.cpp's server on the host's own Python.

``python -m deploy.demo.image [--cache DIR] [PODMAN [ARGS…]]`` puts it into Podman's store; when the very same
content is there already that is one look of some 50 ms.
"""

import argparse
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deploy.demo.hostpython import PYTHON, add_libraries, environment, libraries_missing, python_layer
from deploy.demo.layers import Image, Layer, add_file, cached_layer, digest, locked, write_archive
from deploy.demo.pip import pip

NAME = "localhost/hal0-llama:demo"
LABEL = "dev.hal0.demo.content"
REQUIREMENT = "xllamacpp==2026.10.11549"
"""llama.cpp with its HTTP server as one CPU wheel for every CPython from 3.10."""

FOLDER = "/opt/llama"
SERVER = Path(__file__).with_name("server.py")
CACHE = Path(".run/cache")


def llama_image(cache: Path, name: str = NAME) -> Image:
    """The image with its layers made; needs a package index only the first time."""
    layers = (python_layer(cache), _llama_layer(cache), _server_layer(cache))
    return Image(
        name=name,
        layers=layers,
        env=environment(FOLDER),
        entrypoint=(PYTHON, f"{FOLDER}/server.py"),
        labels={LABEL: digest("image:1", *(layer.diff_id for layer in layers))},
    )


def _llama_layer(cache: Path) -> Layer:
    target = cache / f"site-{digest(REQUIREMENT, sys.version_info[:2])}"
    with locked(cache / "pip"):
        if not (target / ".complete").exists():
            pip("install", "--only-binary=:all:", "--upgrade", "--target", str(target), REQUIREMENT)
            (target / ".complete").touch()

    def fill(tar: tarfile.TarFile) -> None:
        binaries = sorted(target.rglob("*.so*"))
        if missing := libraries_missing(binaries):
            raise SystemExit(f"llama.cpp needs {', '.join(missing)}: apt-get install libgomp1 libstdc++6")
        for path in sorted(target.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                add_file(tar, path, f"{FOLDER}/{path.relative_to(target)}")
        add_libraries(tar, binaries)

    return cached_layer(cache, "llama", digest("llama:1", REQUIREMENT, python_layer(cache).diff_id), fill)


def _server_layer(cache: Path) -> Layer:
    key = digest("server:1", SERVER.read_text())
    return cached_layer(cache, "server", key, lambda tar: add_file(tar, SERVER, f"{FOLDER}/server.py"))


def load(podman: Sequence[str], images: Sequence[Image], folder: Path) -> None:
    """Put images into a store by ``PODMAN load``; ``folder`` has room for the archive."""
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".tar") as archive:
        write_archive(Path(archive.name), images)
        command = [*podman, "load", "--quiet", "--input", archive.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"podman cannot load {', '.join(image.name for image in images)}: {done.stderr.strip()}")


def is_present(podman: Sequence[str], image: Image) -> bool:
    look = [*podman, "image", "inspect", "--format", f'{{{{index .Labels "{LABEL}"}}}}', image.name]
    return subprocess.run(look, capture_output=True, text=True, check=False).stdout.strip() == image.labels[LABEL]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.demo.image", description=__doc__)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for layers and downloads")
    parser.add_argument(
        "podman", nargs="*", default=["podman"], help="the Podman command, with its own options after --"
    )
    args = parser.parse_args()
    image = llama_image(args.cache)
    if is_present(args.podman, image):
        print(f"{NAME} is up to date")
        return
    load(args.podman, [image], args.cache)
    print(f"{NAME} built")


if __name__ == "__main__":
    main()
