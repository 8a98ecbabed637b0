"""The end of a process whose threads may still wait for Podman."""

import os
import sys
import threading
import time

LAST_THREADS_S = 0.2
"""An idle worker thread ends within a millisecond once it is told to."""


def ended(code: int) -> int:
    """The exit code; but where a call to a Podman that hangs is still out, the process ends with it here and now.

    The interpreter would wait for that call's thread, for up to the minute that a start may take.
    """
    end = time.monotonic() + LAST_THREADS_S
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(max(end - time.monotonic(), 0))
            if thread.is_alive():
                sys.stdout.flush()
                os._exit(code)
    return code
