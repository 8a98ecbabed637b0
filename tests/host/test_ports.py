"""A listener is named as a person knows it, and what serves our own containers is no obstacle."""

import os
import socket
import sys
from collections.abc import Iterator

import pytest

from hal0_operator.host import listening
from hal0_operator.host.listening import listeners
from hal0_operator.host.procs import HostProcs
from hal0_operator.model.facts import HostFacts, Needs
from hal0_operator.model.settings import DeviceSettings
from hal0_operator.model.world import Container
from tests.host.actors import conmon, pretending

ID = "ab" * 32


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def check(port: int, *own: Container, slot: str = "chat") -> HostFacts:
    return HostProcs().check(Needs(slot=slot, port=port), DeviceSettings(), own)


def test_a_free_port_has_no_holder(port: int) -> None:
    facts = check(port)
    assert (facts.port_holder, facts.port_conmon, facts.port_conmon_id) == ("", 0, "")
    assert port not in facts.listeners


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_foreign_listener_is_named_with_its_pid(address: str) -> None:
    with socket.create_server((address, 0)) as server:
        port = server.getsockname()[1]
        facts = check(port)
        assert port in facts.listeners
        assert facts.port_holder == f"{os.path.basename(sys.executable)} (pid {os.getpid()})"
        assert facts.port_conmon == 0


def test_a_listener_on_all_ipv6_addresses_holds_the_port() -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        assert f"pid {os.getpid()}" in check(server.getsockname()[1]).port_holder


def test_a_listener_on_ipv6_loopback_is_known_and_does_not_hold_the_port() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        facts = check(server.getsockname()[1])
        assert facts.port_holder == "" and server.getsockname()[1] in facts.listeners


def test_a_connection_from_that_port_is_no_listener() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert check(client.getsockname()[1]).port_holder == ""


def test_a_foreign_containers_monitor_is_named_by_its_container(port: int) -> None:
    with conmon(ID, "web", port) as monitor:
        facts = check(port)
        assert facts.port_holder == f"container web ({ID[:12]}, by its conmon, pid {monitor.pid})"
        assert facts.port_conmon == 0, "only a container with a slot's name may be a leftover of ours"


def test_a_monitor_that_is_named_as_a_slots_is_told_apart(port: int) -> None:
    with conmon(ID, "hal0-chat", port) as monitor:
        facts = check(port)
        assert (facts.port_conmon, facts.port_conmon_id) == (monitor.pid, ID)
        assert "hal0-chat" in facts.port_holder
        assert facts.port_conmon_name == "hal0-chat"


def test_a_monitor_of_a_known_container_is_no_holder(port: int) -> None:
    with conmon(ID, "hal0-chat", port) as monitor:
        known = Container(id=ID, name="hal0-chat", state="running", pid=monitor.child, ports=(port,))
        facts = check(port, known)
        assert facts.port_holder == "" and facts.port_conmon == 0
        assert port in facts.listeners


FORWARD = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def forwarder() -> Iterator[int]:
    """A listener that looks like rootless Podman's port forwarder."""
    process = pretending(["rootlessport", "-c", FORWARD])
    yield int(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_a_rootless_forwarder_serves_the_container_that_has_the_port(forwarder: int) -> None:
    running = Container(id=ID, name="hal0-chat", state="running", ports=(forwarder,))
    assert check(forwarder, running).port_holder == ""
    assert "rootlessport" in check(forwarder).port_holder


def test_all_listeners_are_found_among_many_connections() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        clients = [socket.create_connection(server.getsockname()) for _ in range(40)]
        try:
            assert server.getsockname()[1] in {listener.port for listener in listeners()}
        finally:
            for client in clients:
                client.close()


def test_a_kernel_without_socket_monitoring_gives_the_same_answer() -> None:
    servers = [
        socket.create_server(("127.0.0.1", 0)),
        socket.create_server(("0.0.0.0", 0)),
        socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True),
        socket.create_server(("::1", 0), family=socket.AF_INET6),
        socket.create_server(("::ffff:127.0.0.1", 0), family=socket.AF_INET6, dualstack_ipv6=True),
    ]
    mine = {server.getsockname()[1] for server in servers}
    found = [{each for each in way() if each.port in mine} for way in (listening._asked, listening._tables)]
    for server in servers:
        server.close()
    assert found[0] == found[1] and len(found[0]) == len(servers)
    assert sum(not each.blocks_loopback for each in found[0]) == 1
