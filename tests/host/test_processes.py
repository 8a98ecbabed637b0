"""Deaths are seen at once, and nobody's process is taken for another's, let alone killed for it."""

import os
import signal
import time

import anyio
import pytest

from hal0_operator.host import pidfd, proc
from hal0_operator.host.procs import HostProcs
from tests.host.actors import conmon, gone, waiting

ID = "ab" * 32
OTHER = "cd" * 32


# ── whose process ──────────────────────────────────────────────────────────────────────────────

CGROUPS = {
    "v1 and hybrid": f"9:name=systemd:/libpod_parent/libpod-{ID}\n8:pids:/libpod_parent/libpod-{ID}\n0::/\n",
    "v2, systemd": f"0::/machine.slice/libpod-{ID}.scope/container\n",
    "v2, rootless": f"0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container\n",
    "v2, cgroupfs": f"0::/libpod_parent/libpod-{ID}\n",
    "another namespace": f"0::/../libpod-{ID}\n",
}


@pytest.mark.parametrize("layout", CGROUPS)
def test_the_container_is_read_from_every_cgroup_layout(layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = proc.read

    def read(pid: int, name: str, limit: int) -> bytes:
        return CGROUPS[layout].encode() if name == "cgroup" else real(pid, name, limit)

    monkeypatch.setattr(proc, "read", read)
    assert proc.owns(os.getpid(), ID)
    assert not proc.owns(os.getpid(), OTHER)


def test_where_no_cgroup_tells_the_monitor_among_the_ancestors_does() -> None:
    with conmon(ID, "hal0-chat") as monitor:
        assert proc.owns(monitor.child, ID)
        assert not proc.owns(monitor.child, OTHER)
        assert proc.conmon_of(monitor.pid) == (monitor.pid, ID, "hal0-chat")


def test_a_strangers_process_and_one_that_is_gone_belong_to_no_container() -> None:
    with waiting() as process:
        assert not proc.owns(process.pid, ID)
        assert not proc.owns(process.pid, "")
    assert not proc.owns(process.pid, ID)
    assert not proc.owns(0, ID)
    assert not proc.owns(-1, ID)


def test_a_process_that_ended_and_was_not_reaped_yet_is_dead() -> None:
    with waiting() as process:
        os.kill(process.pid, signal.SIGKILL)
        assert gone(process.pid)
        assert proc.state_and_parent(process.pid)[0] == "Z"
        assert not proc.is_alive(process.pid)


# ── watching ───────────────────────────────────────────────────────────────────────────────────


class Fired:
    def __init__(self) -> None:
        self.count = 0
        self.event = anyio.Event()

    def __call__(self) -> None:
        self.count += 1
        self.event.set()

    async def wait(self) -> None:
        with anyio.fail_after(30):
            await self.event.wait()


@pytest.mark.anyio
async def test_a_death_fires_once_and_the_container_is_no_longer_alive() -> None:
    procs, fired = HostProcs(), Fired()
    with conmon(ID, "hal0-chat") as monitor:
        assert procs.watch(monitor.child, ID, fired)
        assert procs.alive(ID) and not fired.count
        os.kill(monitor.child, signal.SIGKILL)
        await fired.wait()
        assert fired.count == 1 and not procs.alive(ID)
        assert not procs.watch(monitor.child, ID, fired), "its pid is still there, unreaped"


@pytest.mark.anyio
async def test_what_was_forgotten_never_fires() -> None:
    watches, forgotten, fired = pidfd.Watches(), Fired(), Fired()
    with conmon(ID, "hal0-chat") as monitor, conmon(OTHER, "hal0-code") as second:
        assert watches.watch(monitor.child, ID, forgotten)
        assert watches.watch(second.child, OTHER, fired)
        watches.forget(ID)
        watches.forget(ID)
        os.kill(monitor.child, signal.SIGKILL)
        assert gone(monitor.child)
        os.kill(second.child, signal.SIGKILL)
        await fired.wait()
        assert forgotten.count == 0


@pytest.mark.anyio
async def test_a_process_that_is_not_the_containers_is_not_watched() -> None:
    procs, fired = HostProcs(), Fired()
    with waiting() as process:
        assert not procs.watch(process.pid, ID, fired)
    assert not procs.watch(process.pid, ID, fired)
    assert not procs.watch(0, ID, fired)
    assert not procs.alive(ID)


@pytest.mark.anyio
async def test_watching_again_replaces_the_callback_and_a_restarted_container_its_process() -> None:
    procs, first, second = HostProcs(), Fired(), Fired()
    with conmon(ID, "hal0-chat") as before, conmon(ID, "hal0-chat") as after:
        assert procs.watch(before.child, ID, first)
        assert procs.watch(before.child, ID, second)
        assert procs.watch(after.child, ID, second)
        os.kill(before.child, signal.SIGKILL)
        assert gone(before.child)
        os.kill(after.child, signal.SIGKILL)
        await second.wait()
        assert (first.count, second.count) == (0, 1)


@pytest.mark.anyio
async def test_closing_gives_every_descriptor_back() -> None:
    procs = HostProcs()
    with conmon(ID, "hal0-chat") as monitor:
        before = len(os.listdir("/proc/self/fd"))
        assert procs.watch(monitor.child, ID, Fired())
        procs.close()
        assert len(os.listdir("/proc/self/fd")) == before


# ── killing ────────────────────────────────────────────────────────────────────────────────────

GRANDCHILD = """
import subprocess, sys
inner = subprocess.Popen([sys.executable, "-c", "import sys; print(1, flush=True); sys.stdin.read()"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
inner.stdout.readline()
print("child", flush=True)
sys.stdin.read()
"""


def test_an_orphaned_monitor_goes_with_all_that_descends_from_it() -> None:
    with conmon(ID, "hal0-chat", child=GRANDCHILD) as monitor:
        below = pidfd._descendants(monitor.pid)
        assert len(below) == 2
        assert pidfd.kill_orphan(monitor.pid, ID)
        assert all(gone(pid, within_s=0) for pid in (monitor.pid, *below))


def test_the_monitor_of_another_container_is_not_touched() -> None:
    with conmon(OTHER, "hal0-chat") as monitor:
        assert not pidfd.kill_orphan(monitor.pid, ID)
        assert not pidfd.kill_orphan(monitor.pid, OTHER[:12])
        assert monitor.process.poll() is None and proc.is_alive(monitor.child)


def test_a_process_that_outlived_its_container_goes_with_all_that_descends_from_it() -> None:
    with conmon(ID, "hal0-chat", child=GRANDCHILD) as monitor:
        below = pidfd._descendants(monitor.pid)
        assert not pidfd.kill_orphan(monitor.child, OTHER)
        assert pidfd.kill_orphan(monitor.child, ID)
        assert all(gone(pid, within_s=0) for pid in below)


def test_what_is_neither_monitor_nor_in_the_container_is_not_touched() -> None:
    with waiting() as process:
        assert not pidfd.kill_orphan(process.pid, ID)
        assert process.poll() is None
    assert not pidfd.kill_orphan(process.pid, ID)
    assert not pidfd.kill_orphan(0, ID)


@pytest.mark.anyio
async def test_a_death_is_told_within_milliseconds() -> None:
    """0.4 ms were measured; the bound is loose, for a busy machine."""
    procs, fired = HostProcs(), Fired()
    with conmon(ID, "hal0-chat") as monitor:
        procs.watch(monitor.child, ID, fired)
        begun = time.monotonic()
        os.kill(monitor.child, signal.SIGKILL)
        await fired.wait()
        assert time.monotonic() - begun < 1
