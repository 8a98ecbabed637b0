"""Finding a Podman service, or keeping a private one."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from hal0_operator.podman import service
from hal0_operator.podman.transport import Unavailable
from hal0_operator.seams.podman import PodmanFault
from tests.podman.unix_server import answer, serving


@pytest.fixture
def apart(tmp_path: Path) -> dict[str, str]:
    """An environment in which the installed podman touches nothing outside ``tmp_path``."""
    storage = f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/g"\nrunroot = "{tmp_path}/r"\n'
    (tmp_path / "storage.conf").write_text(storage)
    (tmp_path / "containers.conf").write_text(f'[engine]\ntmp_dir = "{tmp_path}/t"\nlock_type = "file"\n')
    files = {"CONTAINERS_CONF": f"{tmp_path}/containers.conf", "CONTAINERS_STORAGE_CONF": f"{tmp_path}/storage.conf"}
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run")} | files


def fake_podman(folder: Path, script: str) -> dict[str, str]:
    """A PATH whose podman is a shell script."""
    program = folder / "bin/podman"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": f"{program.parent}:/usr/bin:/bin"}


def test_a_named_service_is_taken_as_it_is(tmp_path: Path) -> None:
    client, private = service.connect(f"unix://{tmp_path}/none", tmp_path, {})
    assert private is None
    with pytest.raises(PodmanFault, match="unreachable"):
        client.version()


@pytest.mark.parametrize("url", ["/run/podman/podman.sock", "http://x", "", "unix:/x"])
def test_a_name_that_is_no_address_is_refused_with_the_right_form(tmp_path: Path, url: str) -> None:
    with pytest.raises(Unavailable, match="write unix:///PATH"):
        service.connect(url, tmp_path, {})


def test_the_users_own_socket_is_used_when_it_answers(tmp_path: Path) -> None:
    path = tmp_path / "podman/podman.sock"
    path.parent.mkdir()
    said = answer("200 OK", b"OK")
    with serving(path, lambda connection, _: connection.sendall(said)):
        client, private = service.connect(None, tmp_path / "state", {"XDG_RUNTIME_DIR": str(tmp_path)})
        assert (client.version(), private) == ("9.9", None)
        client.close()


@pytest.fixture
def no_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine where no service of its own listens."""
    monkeypatch.setattr(service, "sockets", lambda environ: ("/nonexistent/podman.sock",))


def test_without_podman_the_message_says_what_to_do(tmp_path: Path, no_service: None) -> None:
    with pytest.raises(Unavailable) as caught:
        service.connect(None, tmp_path, {"PATH": str(tmp_path)})
    for part in ("not installed", "/nonexistent/podman.sock", "apt-get install podman", "--podman-url"):
        assert part in str(caught.value)


def test_the_password_of_an_address_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no address of a service") as caught:
        service.connect("https://me:canary@host", tmp_path, {})
    assert "canary" not in str(caught.value)


def test_a_podman_that_ends_at_once_is_quoted(tmp_path: Path, no_service: None) -> None:
    environ = fake_podman(tmp_path, "echo first >&2; echo 'Error: no such storage driver' >&2; exit 125")
    with pytest.raises(Unavailable, match="Error: no such storage driver"):
        service.connect(None, tmp_path, environ)


def test_a_path_that_is_too_long_for_a_socket_is_named(tmp_path: Path, no_service: None) -> None:
    with pytest.raises(Unavailable, match="shorter --state-dir"):
        service.connect(None, tmp_path / ("x" * 100), {"PATH": os.environ["PATH"]})


@pytest.mark.podman
def test_a_private_service_starts_comes_back_and_ends(short: Path, apart: dict[str, str], no_service: None) -> None:
    client, private = service.connect(None, short, apart)
    version = client.version()
    assert version == subprocess.check_output(["podman", "--version"], text=True).split()[-1]
    first = private._child.pid
    os.kill(first, signal.SIGTERM)
    private._child.wait(10)
    assert client.version() == version
    assert private._child.pid != first
    private.close()
    assert private._child.returncode is not None
    with pytest.raises(PodmanFault, match="unreachable"):
        client.version()
    client.close()


@pytest.mark.podman
def test_a_service_that_a_killed_operator_left_is_used(short: Path, apart: dict[str, str], no_service: None) -> None:
    left, private = service.connect(None, short, apart)
    client, second = service.connect(None, short, apart)
    assert client.version() == left.version()
    assert second._child is None
    second.close()
    assert left.version()
    private.close()
    left.close()
    client.close()


@pytest.fixture
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose sockets have short names."""
    return tmp_path_factory.mktemp("s")
