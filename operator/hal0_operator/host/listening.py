"""Listening TCP sockets, asked of the kernel by netlink.

The tables under ``/proc/net`` cost milliseconds, and more on machines with much memory: to reach
their end the kernel walks every bucket of its hash of connections.
"""

import contextlib
import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
REQUEST_DUMP = 0x0301
DONE, ERROR = 3, 2
LISTEN = 10
RECEIVE = 65_536
TIMEOUT_S = 1.0
_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBBI48x")
_SOCKET = struct.Struct("=BBBB2s2s16s16s12xIIIII")
"""Family, state, two timers, ports and addresses in network order, three queues, user, inode."""


class Listener(NamedTuple):
    """``blocks_loopback``: nobody else can bind 127.0.0.1 on this port."""

    port: int
    inode: int
    uid: int
    blocks_loopback: bool


def listeners() -> list[Listener]:
    """Every listening TCP socket of this network namespace."""
    try:
        return _asked()
    except OSError:  # a kernel without socket monitoring (``tcp_diag``)
        return list(_tables())


def _asked() -> list[Listener]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(TIMEOUT_S)
        return [found for family in (socket.AF_INET, socket.AF_INET6) for found in _dump(kernel, family)]


def _dump(kernel: socket.socket, family: int) -> Iterator[Listener]:
    body = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0, 1 << LISTEN)
    kernel.sendto(_HEADER.pack(_HEADER.size + len(body), SOCK_DIAG_BY_FAMILY, REQUEST_DUMP, 0, 0) + body, (0, 0))
    while True:
        data = kernel.recv(RECEIVE)
        while len(data) >= _HEADER.size:
            length, type, *_ = _HEADER.unpack_from(data)
            payload, data = data[_HEADER.size : length], data[(length + 3) & ~3 :]
            if type == DONE:
                return
            if type == ERROR:
                code = -struct.unpack_from("=i", payload)[0]
                if code == errno.ENOENT and family == socket.AF_INET6:  # a kernel without IPv6
                    return
                raise OSError(code, os.strerror(code))
            yield _listener(family, payload)


def _listener(family: int, payload: bytes) -> Listener:
    fields = _SOCKET.unpack_from(payload)
    port, address, uid, inode = fields[4], fields[6], fields[-2], fields[-1]
    address = address[:4] if family == socket.AF_INET else address
    return Listener(int.from_bytes(port, "big"), inode, uid, _blocks_loopback(address))


def _tables() -> Iterator[Listener]:
    """The kernel's tables list listening sockets first, so that the rest need not be read."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(FileNotFoundError), open(table, "rb") as file:
            next(file, None)
            for line in file:
                fields = line.split(None, 10)
                if len(fields) < 10 or fields[3] != b"0A":
                    break
                shown, _, port = fields[1].partition(b":")
                # Each word of an address is shown as a number of this machine.
                words = (int(shown[at : at + 8], 16) for at in range(0, len(shown), 8))
                address = b"".join(struct.pack("=I", word) for word in words)
                yield Listener(int(port, 16), int(fields[9]), int(fields[7]), _blocks_loopback(address))


def _blocks_loopback(address: bytes) -> bool:
    """127.0.0.1, all addresses (IPv6's take IPv4's in unless asked not to), or an IPv4 one in IPv6's clothes."""
    if len(address) == 4:
        return address in (b"\0\0\0\0", b"\x7f\0\0\1")
    mapped = ipaddress.IPv6Address(address).ipv4_mapped
    return not any(address) or (mapped is not None and _blocks_loopback(mapped.packed))
