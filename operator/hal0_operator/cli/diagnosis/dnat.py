"""Port rules that outlived their container.

A Podman service that is killed in the middle of a start can leave the rule that sends a port to the
container's address.  It stands before every later rule of that port, so each later container is
healthy inside and dead from outside; neither a new container nor ``podman network reload`` helps.

A rule is called stale only when all of this holds: its port is published by a running container of the
operator; its target is an address inside one of this Podman's networks; no container has that address.
"""

import ipaddress
import re
import shlex
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from hal0_operator.cli.diagnosis.command import say
from hal0_operator.cli.diagnosis.engine import listed, podman
from hal0_operator.cli.diagnosis.finding import Finding, fail, ok, warn
from hal0_operator.cli.options import Paths
from hal0_operator.model.container import LABEL_MANAGED, MANAGED_BY

_IPTABLES = re.compile(r"^-A (NETAVARK-DN-\w+|CNI-DN-\w+) (?=.*--dport (\d+) )(?=.*-j DNAT --to-destination ([\d.]+):)")


class Rule(msgspec.Struct, frozen=True):
    """``delete`` is the command that removes exactly this rule."""

    port: int
    target: str
    delete: tuple[str, ...]


class Ports(msgspec.Struct, frozen=True):
    """``served``: port of a running container of the operator to its name.  ``addresses``: of all containers."""

    served: dict[int, str]
    addresses: frozenset[str]
    subnets: tuple[str, ...]


def look(paths: Paths, *, repair: bool) -> Iterator[Finding]:
    known = _ports(paths)
    if known is None:
        yield warn("port rules", "not looked at: Podman did not list its containers", "see the lines on podman")
        return
    found = list(stale([*_iptables(), *_nftables()], known))
    for rule in found:
        name, command = known.served[rule.port], shlex.join(rule.delete)
        about = f"port {rule.port} of {name} is sent to {rule.target}, which no container has"
        if not repair:
            yield fail("port rules", about, f"hal0ctl doctor --fix, which runs: {command}")
        elif error := say(rule.delete).error:
            yield fail("port rules", f"{about}; not deleted: {error}", f"as root: {command}")
        else:
            yield ok("port rules", f"{about}: deleted")
    if not found:
        yield ok("port rules", "every rule of a slot's port leads to a container")


def stale(rules: Iterable[Rule], known: Ports) -> Iterator[Rule]:
    networks = [ipaddress.ip_network(subnet) for subnet in known.subnets]
    for rule in rules:
        inside = any(ipaddress.ip_address(rule.target) in network for network in networks)
        if rule.port in known.served and inside and rule.target not in known.addresses:
            yield rule


def _ports(paths: Paths) -> Ports | None:
    rows = listed(paths)
    networks = say([*podman(paths), "network", "ls", "--quiet"])
    if rows is None or networks.error:
        return None
    looked = say([*podman(paths), "inspect", *(str(row["Id"]) for row in rows)]).json() if rows else []
    subnets = say([*podman(paths), "network", "inspect", *networks.text.split()]).json()
    if not isinstance(looked, list) or not isinstance(subnets, list):
        return None
    served: dict[int, str] = {}
    addresses: set[str] = set()
    for container in looked:
        settings = container.get("NetworkSettings") or {}
        joined = [settings, *(settings.get("Networks") or {}).values()]
        addresses.update(str(one["IPAddress"]) for one in joined if one.get("IPAddress"))
        labels = (container.get("Config") or {}).get("Labels") or {}
        if labels.get(LABEL_MANAGED) == MANAGED_BY and (container.get("State") or {}).get("Running"):
            served |= dict.fromkeys(_published(settings), str(container.get("Name", "?")))
    ranges = [str(subnet["subnet"]) for network in subnets for subnet in network.get("subnets") or ()]
    return Ports(served, frozenset(addresses), tuple(subnet for subnet in ranges if ":" not in subnet))


def _published(settings: dict[str, Any]) -> Iterator[int]:
    for bindings in (settings.get("Ports") or {}).values():
        for binding in bindings or ():
            yield int(binding["HostPort"])


def _iptables() -> list[Rule]:
    return iptables_rules(say(("iptables-save", "-t", "nat")).text)


def iptables_rules(text: str) -> list[Rule]:
    """The DNAT rules of an ``iptables-save`` listing."""
    rules = []
    for line in text.splitlines():
        if match := _IPTABLES.match(line):
            delete = ("iptables", "-t", "nat", "-D", *shlex.split(line)[1:])
            rules.append(Rule(int(match[2]), match[3], delete))
    return rules


def _nftables() -> list[Rule]:
    return nftables_rules(say(("nft", "--json", "--handle", "list", "table", "inet", "netavark")).json())


def nftables_rules(listing: Any) -> list[Rule]:
    """The DNAT rules of ``nft --json list table inet netavark``."""
    rules = []
    for entry in (listing or {}).get("nftables", ()):
        rule = entry.get("rule")
        port, target = _nft_parts(rule.get("expr", ())) if rule else (0, "")
        if rule and port and target:
            delete = ("nft", "delete", "rule", "inet", "netavark", rule["chain"], "handle", str(rule["handle"]))
            rules.append(Rule(port, target, delete))
    return rules


def _nft_parts(expressions: Iterable[dict[str, Any]]) -> tuple[int, str]:
    port, target = 0, ""
    for expression in expressions:
        match, dnat = expression.get("match"), expression.get("dnat")
        if match and (match.get("left") or {}).get("payload", {}).get("field") == "dport":
            port = match["right"] if isinstance(match["right"], int) else 0
        if dnat and dnat.get("family", "ip") == "ip" and isinstance(dnat.get("addr"), str) and ":" not in dnat["addr"]:
            target = dnat["addr"]
    return port, target
