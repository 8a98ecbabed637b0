"""A socket file's end that Ctrl-C always interrupts."""

import select
import signal
import socket
import threading
from typing import Any


class Interruptible(socket.socket):
    """The interpreter looks for signals between its own steps: of one that comes in the last moment before the kernel
    is asked to wait it would learn when the wait is over, and a stream may be silent for long.

    So whatever waits here also waits for the byte that the handler of every signal writes.
    """

    def recv_into(self, *args: Any) -> int:
        """Raises ``TimeoutError``, and what the handlers of signals raise."""
        if threading.current_thread() is threading.main_thread():
            self._wait()
        return super().recv_into(*args)

    def _wait(self) -> None:
        told, tells = socket.socketpair()
        with told, tells:
            tells.setblocking(False)
            before = signal.set_wakeup_fd(tells.fileno())
            try:
                while not self._is_readable(told):
                    told.recv(1)  # its handler has run by now, and let the wait go on
            finally:
                signal.set_wakeup_fd(before)

    def _is_readable(self, told: socket.socket) -> bool:
        """False: a signal came."""
        readable, _, _ = select.select([self, told], [], [], self.gettimeout())
        if not readable:
            raise TimeoutError("timed out")
        return self in readable
