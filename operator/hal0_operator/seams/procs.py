"""Processes and what the machine itself holds."""

from collections.abc import Callable
from typing import Protocol

from hal0_operator.model.facts import HostFacts, Needs
from hal0_operator.model.settings import DeviceSettings
from hal0_operator.model.world import Container


class Procs(Protocol):
    """``watch`` is called on the event loop; the rest may block briefly."""

    def watch(self, pid: int, container_id: str, fired: Callable[[], None]) -> bool:
        """Call ``fired`` once when the process dies.  False when it is gone or not the container's."""

    def alive(self, container_id: str) -> bool:
        """Whether a watched process has not fired."""

    def check(self, needs: Needs, devices: DeviceSettings, own: tuple[Container, ...]) -> HostFacts:
        """Look at the host for one slot.

        ``own`` are the known containers, of any slot, that publish its port or take the NPU: what
        their processes listen on or have open is no foreign holder, since they hold it by existing.
        """

    def kill_orphan(self, pid: int, container_id: str) -> bool:
        """SIGKILL, by pidfd, a conmon of that id or a process in that container, with its children.

        False when it was neither.
        """
