"""Port rules that killed Podman services left behind, removed between tests.

A service killed in the middle of a start leaves its DNAT rule, and that rule makes the port dead for every later
container.  Tests kill services on purpose, and the firewall is the whole host's.
"""

import json
import re
import shlex
import subprocess


def forget(prefix: str) -> None:
    """Flush the port chains of the networks below ``prefix`` (``10.92.3.``), which must have no container left."""
    for chain in _iptables_chains(prefix):
        subprocess.run(["iptables", "--wait", "-t", "nat", "-F", chain], check=True)
    for line in _save():
        # jumps for ports of containers that are gone lead into empty chains; they would only pile up
        if line.startswith("-A NETAVARK-HOSTPORT-DNAT") and line.rpartition(" ")[2] in _empty_chains():
            subprocess.run(["iptables", "--wait", "-t", "nat", "-D", *shlex.split(line)[1:]], check=False)
    table = _nft()
    for chain in {
        rule["chain"] for rule in table if prefix in json.dumps(rule["expr"]) and rule["chain"].endswith("_dnat")
    }:
        subprocess.run(["nft", "flush", "chain", "inet", "netavark", chain], check=True)
        for rule in table:
            if rule["chain"] == "NETAVARK-HOSTPORT-DNAT" and f'"target": "{chain}"' in json.dumps(rule["expr"]):
                words = ["nft", "delete", "rule", "inet", "netavark", rule["chain"], "handle", str(rule["handle"])]
                subprocess.run(words, check=False)


def _save() -> list[str]:
    return _run("iptables-save", "-t", "nat").splitlines()


def _iptables_chains(prefix: str) -> set[str]:
    found = re.compile(rf"-A (NETAVARK-DN-\w+) .*--to-destination {re.escape(prefix)}")
    return {match[1] for line in _save() if (match := found.match(line))}


def _empty_chains() -> set[str]:
    lines = _save()
    declared = {line[1:].split()[0] for line in lines if line.startswith(":NETAVARK-DN-")}
    return declared - {line.split()[1] for line in lines if line.startswith("-A ")}


def _nft() -> list[dict]:
    text = _run("nft", "--json", "--handle", "list", "table", "inet", "netavark")
    return [entry["rule"] for entry in json.loads(text)["nftables"] if "rule" in entry] if text else []


def _run(*words: str) -> str:
    try:
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""
