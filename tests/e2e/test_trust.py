"""Secrets stay where they belong, and strangers stay outside."""

import http.client
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.awaited import condition
from tests.support.operator_process import OperatorProcess

FILE, PODMAN, LITERAL, FLAG = (f"CANARY-{kind}-7c1f" for kind in ("file", "podman", "literal", "flag"))


@pytest.fixture
def secretive(operator: OperatorProcess) -> Iterator[OperatorProcess]:
    """chat gets three secrets and crashes printing its environment; code has a secret in its flags."""
    secrets = operator.folder / "secrets"
    secrets.mkdir(mode=0o700)
    (secrets / "key").write_text(f"{FILE}\n")
    operator.configure(policy={"secret_dirs": [str(secrets)]})
    made = operator.machine.command()
    subprocess.run([*made, "secret", "create", "hal0-canary", "-"], input=PODMAN.encode(), check=True)
    env = {
        "FROM_FILE": {"file": str(secrets / "key")},
        "FROM_PODMAN": {"secret": "hal0-canary"},
        "MY_API_KEY": LITERAL,
        "STUB_TELL": "1",
        "STUB_EXIT_AFTER": "0.1",
    }
    operator.home.profile("secret", env=env)
    operator.home.slot("chat", profile="secret")
    operator.home.slot("code", server={"extra_args": f"--api-key {FLAG}"})
    operator.start()
    operator.until(lambda slots: slots["chat"]["phase"] == "CrashLoop" and "code" in slots)
    operator.until(lambda slots: "exit code 1" in slots["chat"]["lastExit"])
    yield operator
    operator.machine.podman("rm", "--all", "--force", "--time", "0")
    operator.machine.podman("secret", "rm", "hal0-canary")


def leaks(texts: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (where, canary) for where, text in texts.items() for canary in (FILE, PODMAN, LITERAL, FLAG) if canary in text
    ]


def test_the_container_gets_its_secrets_and_nothing_else_shows_them(secretive: OperatorProcess) -> None:
    podman = secretive.machine.podman
    words = [*secretive.machine.command(), "logs", "hal0-chat"]
    printed = subprocess.run(words, capture_output=True, text=True, check=True).stderr
    assert FILE in printed and PODMAN in printed and LITERAL in printed, "the container itself has them"

    paths = [
        "slots",
        "slots/chat",
        "slots/code",
        "profiles",
        "capabilities",
        "plan",
        "source",
        "events",
        "openapi.json",
    ]
    shown = {path: json.dumps(secretive.get(f"/api/{path}")) for path in paths}
    shown |= {"logs": json.dumps(secretive.get("/api/slots/chat/logs"))}
    shown |= {"previous": json.dumps(secretive.get("/api/slots/chat/logs?previous=1"))}
    shown |= {"metrics": secretive.get("/metrics"), "journal": secretive.said()}
    for verb in (
        ["describe", "chat"],
        ["get", "slots", "-o", "json"],
        ["get", "profiles", "-o", "json"],
        ["events"],
        ["plan"],
        ["logs", "chat"],
        ["logs", "chat", "--previous"],
        ["validate"],
    ):
        done = secretive.hal0ctl(*verb)
        shown[" ".join(verb)] = done.stdout + done.stderr
    # what the home says literally is stored as it stands there, for the owner of the state alone
    stored = {path.name: path.read_text(errors="replace") for path in secretive.state.iterdir() if path.is_file()}
    shown |= {name: text.replace(LITERAL, "") for name, text in stored.items()}
    (row,) = json.loads(podman("inspect", "hal0-chat"))
    environment = row["Config"].pop("Env")
    shown |= {"inspect": json.dumps({key: row[key] for key in ("Config", "Args", "Name", "ImageName")})}
    shown |= {"list": json.dumps(secretive.containers())}
    assert "FROM_FILE" in str(environment)
    assert "MY_API_KEY" in shown["logs"], "the line is there, without its secret"
    found = leaks(shown)
    assert found == [], found


def test_a_secret_among_flags_is_refused_without_being_repeated(secretive: OperatorProcess) -> None:
    denied = condition(secretive.slots()["code"], "Admitted")
    assert denied["reason"] == "FlagPolicy"
    assert "hal0-code" not in secretive.cids()


def test_a_literal_secret_is_warned_of_at_its_line(secretive: OperatorProcess) -> None:
    found = json.loads(secretive.hal0ctl("validate", "-o", "json").stdout)["problems"]
    (warning,) = (problem for problem in found if problem["code"] == "profile.literal_secret")
    lines = (secretive.home.path / "profiles.toml").read_text().splitlines()
    assert "MY_API_KEY" in lines[warning["line"] - 1]


def asked(operator: OperatorProcess, method: str, path: str, body: str | None = None, **headers: str) -> int:
    host, port = operator.listen.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body, named)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/api/slots", "/api/events", "/metrics", "/healthz", "/", "/v1/models"])
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example"])
def test_a_foreign_name_is_refused_on_every_path(running: OperatorProcess, path: str, host: str) -> None:
    assert asked(running, "GET", path, Host=host) == 403


def test_a_write_needs_the_token_the_type_and_no_foreign_origin(running: OperatorProcess) -> None:
    token = (running.state / "token").read_text().strip()
    wish = json.dumps({"by": "me", "reason": ""})
    json_type, bearer = "application/json", f"Bearer {token}"
    target = ("POST", "/api/slots/chat/suspend", wish)
    assert asked(running, *target, Content_Type=json_type) == 401
    assert asked(running, *target, Content_Type=json_type, Authorization="Bearer guess") == 401
    assert asked(running, *target, Content_Type="text/plain", Authorization=bearer) == 415
    evil = {"Authorization": bearer, "Origin": "http://evil.example"}
    assert asked(running, *target, Content_Type=json_type, **evil) == 403
    assert running.slots()["chat"]["phase"] == "Ready"
    assert asked(running, *target, Content_Type=json_type, Authorization=bearer) == 200
    running.until_phase("chat", "Suspended")


def test_a_huge_body_is_refused_before_it_is_sent(running: OperatorProcess) -> None:
    token = (running.state / "token").read_text().strip()
    headers = {"Content_Type": "application/json", "Authorization": f"Bearer {token}", "Content_Length": str(1 << 30)}
    assert asked(running, "POST", "/api/slots/chat/suspend", "{", **headers) == 413


def test_token_state_and_socket_are_for_their_owner(running: OperatorProcess) -> None:
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in Path(running.state).iterdir()}
    assert modes["token"] == "0o600" and modes["operator.sock"] == "0o660"
    assert {modes[name] for name in modes if name.endswith(".json")} == {"0o600"}
