"""A root file system from the very Python that runs this: no base image, no registry.

The interpreter, its standard library and the shared libraries that they name are laid out in one
layer.  The libraries share one folder; only the loader keeps its own path, which binaries name.
"""

import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from deploy.demo.layers import Layer, add_file, add_folder, add_link, add_text, cached_layer, digest

HOME = "/opt/py"
PYTHON = f"{HOME}/bin/python3"
LIBRARIES = f"{HOME}/shared"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
LEFT_OUT = {
    "test",
    "tests",
    "idlelib",
    "tkinter",
    "turtledemo",
    "ensurepip",
    "lib2to3",
    "pydoc_data",
    "site-packages",
    "dist-packages",
}
"""Folders of the standard library that no server needs."""

_SKIPPED = re.compile(r"_test|_tkinter|_ctypes_test|xxlimited")
_MISSING = re.compile(r"(\S+) => not found")
_LIBRARY = re.compile(r"(?:=> )?(/\S+) \(0x")


def interpreter() -> Path:
    """The real binary, also inside a virtual environment and behind a version manager's shims."""
    return Path(sys.executable).resolve()


def standard_library() -> Path:
    return Path(sysconfig.get_path("stdlib"))


def _ldd(binaries: Iterable[Path]) -> str:
    return subprocess.run(["ldd", *map(str, binaries)], capture_output=True, text=True, check=False).stdout


def libraries(binaries: Iterable[Path]) -> list[Path]:
    """Every shared library that these binaries load, loader included, at the path the loader uses."""
    return sorted({Path(path) for path in _LIBRARY.findall(_ldd(binaries))})


def libraries_missing(binaries: Iterable[Path]) -> list[str]:
    return sorted(set(_MISSING.findall(_ldd(binaries))))


def add_libraries(tar: tarfile.TarFile, binaries: Iterable[Path]) -> None:
    for library in libraries(binaries):
        is_loader = library.name.startswith("ld-")
        add_file(tar, library, str(library) if is_loader else f"{LIBRARIES}/{library.name}")


def environment(*folders: str) -> dict[str, str]:
    """What the interpreter needs to find itself; ``folders`` go on its path."""
    return {
        "PATH": f"{HOME}/bin:/usr/local/bin:/usr/bin:/bin",
        "PYTHONHOME": HOME,
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LD_LIBRARY_PATH": LIBRARIES,
        **({"PYTHONPATH": ":".join(folders)} if folders else {}),
    }


def python_layer(cache: Path) -> Layer:
    """Some 60 MB; made in about two seconds, once per interpreter."""
    binary = interpreter()
    stat = binary.stat()
    key = digest("python:2", sys.version, str(binary), stat.st_size, stat.st_mtime_ns, sorted(LEFT_OUT))
    return cached_layer(cache, "python", key, _fill)


def _fill(tar: tarfile.TarFile) -> None:
    for folder, mode in (("tmp", 0o1777), ("root", 0o700), ("etc", 0o755), ("run", 0o755)):
        add_folder(tar, folder, mode)
    add_text(tar, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    add_text(tar, "etc/group", "root:x:0:\n")
    binary, shell = interpreter(), Path("/bin/bash")
    add_file(tar, binary, PYTHON)
    add_link(tar, f"{HOME}/bin/python", "python3")
    add_file(tar, shell, "/bin/bash")
    add_link(tar, "/bin/sh", "bash")
    modules = []
    for source, name in _standard_files():
        add_file(tar, source, f"{HOME}/lib/python{VERSION}/{name}")
        if source.suffix == ".so":
            modules.append(source)
    add_libraries(tar, [binary, shell, *modules])


def _standard_files() -> Iterator[tuple[Path, Path]]:
    root = standard_library()
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        skipped = LEFT_OUT.intersection(name.parts) or name.parts[0].startswith("config-") or _SKIPPED.match(path.name)
        # optimised byte code is never asked for
        if not skipped and path.is_file() and ".opt-" not in path.name and path.suffix != ".a":
            yield path, name
