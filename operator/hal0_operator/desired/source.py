"""A file of a home as it was read."""

import msgspec


class SourceFile(msgspec.Struct, frozen=True):
    """``file`` is relative to the home: ``slots/chat.toml``.

    ``refused`` is a problem found before decoding (too large, a link, not regular), as a message;
    ``data`` is empty then.
    """

    file: str
    data: bytes = b""
    refused: str = ""


class HomeFiles(msgspec.Struct, frozen=True):
    """One reading of a home: every counted file by its relative name.

    A file object is reused as long as the file on disk has not changed, so identity is enough to
    know that nothing needs decoding again.  ``busy`` says why the reading may not be acted on yet
    (a file still being written, git at work), ``""`` when it may.  ``pending``: a committed change
    set shows in the files, and waits for the next writer to put it there.  ``revision`` is the commit that
    the files are of, ``""`` for a folder.  ``lost`` says why none could be had at all, ``""`` when they were: what
    was read before counts then, and no file is gone.
    """

    files: dict[str, SourceFile]
    slots_folder: bool = True
    busy: str = ""
    pending: bool = False
    revision: str = ""
    lost: str = ""
