"""The images of the tests: a stub of llama-server, and simulators of the other families.

All stand on one layer with the Python that runs the tests.  No registry, no builder: an archive
that ``podman load`` reads.  ``python -m tests.images.build`` writes it and prints where.
"""

import dataclasses
import tarfile
from collections.abc import Sequence
from pathlib import Path

from deploy.demo.hostpython import LIBRARIES, PYTHON, environment, interpreter, libraries, python_layer
from deploy.demo.image import llama_image
from deploy.demo.layers import Image, Layer, add_file, cached_layer, digest, locked, write_archive

SOURCES = Path(__file__).with_name("stub")
FOLDER = "/opt/stub"
CACHE = Path(__file__).parents[2] / ".run" / "cache"

STUB, STUB_STRICT = "localhost/stub:1", "localhost/stub:2"
FLM, KOKORO, COMFYUI = "localhost/sim-flm:1", "localhost/sim-kokoro:1", "localhost/sim-comfyui:1"
LLAMA = "localhost/hal0-llama:demo"


def stub_images(cache: Path = CACHE) -> list[Image]:
    """``stub:2`` is a newer server that no longer knows ``--no-mmap``."""
    layers = (python_layer(cache), _stub_layer(cache))

    def image(name: str, program: str, **env: str) -> Image:
        entry = (PYTHON, f"{FOLDER}/{program}") if program else ()
        return Image(name=name, layers=layers, env=environment() | env, entrypoint=entry)

    # The operator sets the library path that FLM's own image needs: this program must not depend on it.
    (loader,) = (str(path) for path in libraries([interpreter()]) if path.name.startswith("ld-"))
    flm = image(FLM, "flm.py")
    flm = dataclasses.replace(flm, entrypoint=(loader, "--library-path", LIBRARIES, *flm.entrypoint))
    return [
        image(STUB, "llama.py"),
        image(STUB_STRICT, "llama.py", STUB_REJECT_FLAG="--no-mmap"),
        flm,
        image(KOKORO, "kokoro.py", STUB_READY_AFTER="0.5"),
        image(COMFYUI, ""),
    ]


def _stub_layer(cache: Path) -> Layer:
    files = sorted(SOURCES.glob("*.py"))

    def fill(tar: tarfile.TarFile) -> None:
        for path in files:
            add_file(tar, path, f"{FOLDER}/{path.name}")
        add_file(tar, SOURCES / "comfyui.py", "/opt/ComfyUI/main.py")

    return cached_layer(cache, "stub", digest("stub:1", *(path.read_text() for path in files)), fill)


def archive(cache: Path = CACHE, *, llama: bool = False) -> Path:
    """A file for ``podman load``: all images of the tests, and llama.cpp's when asked for; kept in the cache."""
    images: Sequence[Image] = [*stub_images(cache), *([llama_image(cache)] if llama else [])]
    kind = "images-llama" if llama else "images-stub"
    target = cache / f"{kind}-{digest('archive:1', images)}.tar"
    with locked(cache):
        if not target.exists():
            for old in cache.glob(f"{kind}-*"):
                old.unlink()
            part = target.with_suffix(".part")
            write_archive(part, images)
            part.rename(target)
    return target


if __name__ == "__main__":
    print(archive())
