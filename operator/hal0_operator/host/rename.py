"""Renames that lose nothing: two names change places, or a file takes a name that must be free."""

import errno
import functools
import os
from collections.abc import Callable
from typing import Any

from hal0_operator.host.below import folder_of

NOREPLACE, EXCHANGE = 1, 2
"""``RENAME_NOREPLACE`` and ``RENAME_EXCHANGE`` of renameat2(2)."""
_HERE = -100
"""``AT_FDCWD``: a path that stands for itself."""
_UNKNOWN = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)
"""The kernel has no such call, or the file system no such flag (NFS, 9p, vfat)."""


def rename_with(flags: int, path: str, other: str, below: str) -> None:
    """One renameat2; raises OSError, ``ENOTSUP`` where it is not known."""
    with folder_of(path, below) as (name, folder), folder_of(other, below) as (new, target):
        code = renameat2(_number(folder), os.fsencode(name), _number(target), os.fsencode(new), flags)
    if code in _UNKNOWN:
        raise OSError(errno.ENOTSUP, "this file system cannot exchange files", other)
    if code:
        raise OSError(code, os.strerror(code), other)


def renameat2(folder: int, name: bytes, target: int, new: bytes, flags: int) -> int:
    """The bare call: 0, or the error's number."""
    call, last_error = _libc()
    if call is None:
        return errno.ENOSYS
    return last_error() if call(folder, name, target, new, flags) else 0


def _number(folder: int | None) -> int:
    return _HERE if folder is None else folder


@functools.cache
def _libc() -> tuple[Callable[..., int] | None, Callable[[], int]]:
    """The C library's renameat2, None in one without it; loaded by writers only."""
    import ctypes  # noqa: PLC0415 - it takes longer than all else that a reader needs

    try:
        call: Any = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        return None, ctypes.get_errno
    call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    return call, ctypes.get_errno
