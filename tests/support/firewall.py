"""Port rules that killed Podman services left behind, removed between tests.

A service killed in the middle of a start leaves its DNAT rule, and that rule makes the port dead for every later
container.  Tests kill services on purpose, and the firewall is the whole host's.
"""

import hashlib
import json
import shlex
import subprocess


def forget_iptables(network: str) -> None:
    """Remove every port rule of a network of which no container is left; netavark names its chain by the network's name."""
    chain = f"NETAVARK-DN-{hashlib.sha512(network.encode()).hexdigest()[:13].upper()}"
    for line in _run("iptables-save", "-t", "nat").splitlines():
        if line.startswith((f"-A {chain} ", "-A NETAVARK-HOSTPORT-DNAT ")) and chain in line.split():
            subprocess.run(["iptables", "--wait", "-t", "nat", "-D", *shlex.split(line)[1:]], check=False)


def forget_nftables(prefix: str) -> None:
    """The same for nftables, where the chain is known by the addresses (``10.92.3.``) that it leads to."""
    rules = _nft()
    chains = {rule["chain"] for rule in rules if rule["chain"].endswith("_dnat") and prefix in json.dumps(rule["expr"])}
    for chain in chains:
        subprocess.run(["nft", "flush", "chain", "inet", "netavark", chain], check=False)
        for rule in rules:
            if rule["chain"] == "NETAVARK-HOSTPORT-DNAT" and f'"target": "{chain}"' in json.dumps(rule["expr"]):
                words = ["nft", "delete", "rule", "inet", "netavark", rule["chain"], "handle", str(rule["handle"])]
                subprocess.run(words, check=False)


def _nft() -> list[dict]:
    text = _run("nft", "--json", "--handle", "list", "table", "inet", "netavark")
    return [entry["rule"] for entry in json.loads(text)["nftables"] if "rule" in entry] if text else []


def _run(*words: str) -> str:
    try:
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""
