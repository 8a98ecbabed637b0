"""``hal0ctl doctor`` says what the machine can do, and repairs one thing only."""

import errno
import json
import subprocess
import urllib.error
import urllib.request

import pytest

from hal0_operator.cli.diagnosis import dnat, folders
from hal0_operator.cli.diagnosis.command import say
from hal0_operator.cli.diagnosis.dnat import Ports, Rule, iptables_rules, nftables_rules, stale
from hal0_operator.cli.main import main
from hal0_operator.cli.options import Paths
from hal0_operator.host import rename
from tests.images.build import STUB
from tests.support.machine import Machine

IPTABLES = """\
-A NETAVARK-DN-1D8721804F16F -s 127.0.0.1/32 -d 127.0.0.1/32 -p tcp -m tcp --dport 8901 -j NETAVARK-HOSTPORT-SETMARK
-A NETAVARK-DN-1D8721804F16F -d 127.0.0.1/32 -p tcp -m tcp --dport 8901 -j DNAT --to-destination 10.88.0.15:8901
-A NETAVARK-HOSTPORT-DNAT -p tcp -m tcp --dport 8901 -m comment --comment "dnat name: podman id: c8" -j NETAVARK-DN-1D8721804F16F
-A KUBE-SEP -p tcp -m tcp --dport 8901 -j DNAT --to-destination 10.88.0.16:8901
"""
NFTABLES = {
    "nftables": [
        {"chain": {"family": "inet", "table": "netavark", "name": "nv_2f_dnat", "handle": 161}},
        {
            "rule": {
                "chain": "nv_2f_dnat",
                "handle": 164,
                "expr": [
                    {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22500}},
                    {"jump": {"target": "NETAVARK-HOSTPORT-SETMARK"}},
                ],
            }
        },
        {
            "rule": {
                "chain": "nv_2f_dnat",
                "handle": 165,
                "expr": [
                    {
                        "match": {
                            "op": "==",
                            "left": {"payload": {"protocol": "ip", "field": "daddr"}},
                            "right": "127.0.0.1",
                        }
                    },
                    {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22500}},
                    {"dnat": {"family": "ip", "addr": "10.93.0.2", "port": 8080}},
                ],
            }
        },
    ]
}


def paths(folder: str, url: str = "") -> Paths:
    return Paths(f"{folder}/home", f"{folder}/state", f"{folder}/config.toml", folder, podman_url=url)


def test_only_netavarks_own_dnat_rules_are_read_from_iptables() -> None:
    (rule,) = iptables_rules(IPTABLES)
    assert (rule.port, rule.target) == (8901, "10.88.0.15")
    assert rule.delete[:5] == ("iptables", "-t", "nat", "-D", "NETAVARK-DN-1D8721804F16F")
    assert rule.delete[-4:] == ("-j", "DNAT", "--to-destination", "10.88.0.15:8901")


def test_a_dnat_rule_of_nftables_is_deleted_by_its_handle() -> None:
    (rule,) = nftables_rules(NFTABLES)
    assert (rule.port, rule.target) == (22500, "10.93.0.2")
    assert rule.delete == ("nft", "delete", "rule", "inet", "netavark", "nv_2f_dnat", "handle", "165")
    assert nftables_rules(None) == []


@pytest.mark.parametrize(
    ("port", "target", "is_stale"),
    [
        (8101, "10.88.0.9", True),
        pytest.param(8101, "10.88.0.4", False, id="a container has the address"),
        pytest.param(9000, "10.88.0.9", False, id="no slot has the port"),
        pytest.param(8101, "10.99.0.9", False, id="the address belongs to another Podman's network"),
    ],
)
def test_a_rule_is_stale_only_when_port_network_and_missing_address_agree(
    port: int, target: str, is_stale: bool
) -> None:
    known = Ports({8101: "hal0-chat"}, frozenset({"10.88.0.4"}), ("10.88.0.0/16",))
    assert bool(list(stale([Rule(port, target, ())], known))) is is_stale


def test_a_program_that_is_missing_becomes_a_line_not_a_traceback() -> None:
    assert say(("no-such-program",)).error == "no-such-program is not installed"


def test_a_held_operator_lock_names_home_and_pid(tmp_path) -> None:
    folder = tmp_path / "hal0-operator"
    folder.mkdir()
    (folder / "stale.lock").write_text("7\n")
    (folder / "abc.lock").write_text("4711\n")
    with subprocess.Popen(
        ["flock", str(folder / "abc.lock"), "sh", "-c", "echo held; cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        messages = [finding.message for finding in folders.look(paths(str(tmp_path))) if finding.subject == "operator"]
        holder.stdin.close()
    assert messages == ["running for home id abc, pid 4711"]


def test_without_podman_the_report_ends_in_a_failure_with_a_hint(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code = main(["doctor", "-o", "json", "--home", str(tmp_path), "--state-dir", str(tmp_path)])
    report = json.loads(capsys.readouterr().out)
    assert (code, report["ok"]) == (1, False)
    (finding,) = (one for one in report["findings"] if one["level"] == "fail")
    assert finding["message"] == "podman is not in PATH"
    assert all(one["hint"] for one in report["findings"] if one["level"] != "ok")


@pytest.mark.podman
def test_doctor_finds_and_deletes_exactly_the_rule_that_makes_a_port_dead(machine: Machine, tmp_path) -> None:
    machine.wipe()
    port = machine.ports[90]
    label = "app.kubernetes.io/managed-by=hal0-operator"
    machine.podman("run", "--detach", "--name", "hal0-chat", "--label", label, "-p", f"127.0.0.1:{port}:8080", STUB)
    look = paths(str(tmp_path), machine.url)
    assert [f.level for f in dnat.look(look, repair=False)] == ["ok"]
    before = [rule for rule in dnat._iptables() + dnat._nftables() if rule.port == port]
    _insert_stale(before[0])
    assert not _answers(port)

    (found,) = dnat.look(look, repair=False)
    assert found.level == "fail"
    assert f"port {port} of" in found.message
    (fixed,) = dnat.look(look, repair=True)
    assert fixed.message.endswith(": deleted")
    assert _answers(port)
    assert [rule for rule in dnat._iptables() + dnat._nftables() if rule.port == port] == before


def _insert_stale(rule: Rule) -> None:
    """A rule like this one, to an address that nobody has, before it."""
    target = rule.target.rpartition(".")[0] + ".77"
    if rule.delete[0] == "iptables":
        chain, rest = rule.delete[4], [word.replace(rule.target, target) for word in rule.delete[5:]]
        command = ["iptables", "-t", "nat", "-I", chain, "1", *rest]
    else:
        chain = rule.delete[5]
        words = f"ip daddr 127.0.0.1 tcp dport {rule.port} dnat ip to {target}:8080"
        command = ["nft", "insert", "rule", "inet", "netavark", chain, *words.split()]
    subprocess.run(command, check=True)


def _answers(port: int) -> bool:
    """Whether the stub is reached; its server may still be starting."""
    for timeout in (0.2, 0.3, 0.5):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=timeout) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            continue
    return False


def test_where_files_cannot_be_exchanged_it_says_what_that_costs(tmp_path, monkeypatch):
    home = tmp_path / "home"
    (home / "slots").mkdir(parents=True)
    (home / ".hal0").mkdir()

    def told() -> list[str]:
        return [f"{finding.level} {finding.message}" for finding in folders.look(paths(str(tmp_path)))]

    assert any(line.startswith("ok") and "can be exchanged" in line for line in told())
    monkeypatch.setattr(rename, "renameat2", lambda *_: errno.EINVAL)
    assert any(line.startswith("warn") and "cannot exchange files" in line for line in told())
    assert list((home / ".hal0").iterdir()) == []
