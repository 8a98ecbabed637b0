"""The images of tests and demo are what they claim, in seconds and without a registry."""

import json
import tarfile
import time
import urllib.request
from pathlib import Path

import pytest

from deploy.demo import image as demo
from deploy.demo import run
from deploy.demo.layers import Image, cached_layer, write_archive
from tests.images import build
from tests.support.machine import Machine


def test_the_images_share_one_copy_of_each_layer(tmp_path: Path) -> None:
    layers = tuple(cached_layer(tmp_path, name, "k", lambda _: None) for name in ("base", "base"))
    images = [Image(f"localhost/{name}:1", layers, {}) for name in ("one", "two")]
    write_archive(tmp_path / "archive", images)
    with tarfile.open(tmp_path / "archive") as tar:
        names = tar.getnames()
        manifest = json.load(tar.extractfile("manifest.json"))
    assert [name for name in names if name.endswith(".tar")] == [f"{layers[0].diff_id}.tar"]
    assert [entry["RepoTags"] for entry in manifest] == [["localhost/one:1"], ["localhost/two:1"]]


def test_what_is_built_once_is_not_built_again() -> None:
    first = build.archive()
    written = first.stat().st_mtime_ns
    assert build.archive() == first
    assert first.stat().st_mtime_ns == written


@pytest.mark.podman
@pytest.mark.parametrize(
    ("name", "command", "path", "expected"),
    [
        (build.STUB, ["--port", "8080", "--any-flag", "x"], "/health", {"status": "ok"}),
        (build.FLM, ["serve", "gemma3:4b", "--port", "8080"], "/v1/models", {"object": "list"}),
        (build.KOKORO, ["--model_path", "/m", "--port", "8080"], "/health", {"status": "healthy"}),
        (
            build.COMFYUI,
            ["bash", "-lc", "cd /opt/ComfyUI && exec python main.py --listen 0.0.0.0 --port 8080"],
            "/system_stats",
            {"devices": []},
        ),
    ],
)
def test_each_image_serves_as_its_family_does(
    machine: Machine, name: str, command: list[str], path: str, expected: dict
) -> None:
    machine.wipe()
    port = machine.ports[80]
    machine.podman("run", "--detach", "--name", "it", "-p", f"127.0.0.1:{port}:8080", name, *command)
    answer = answered(machine, port, path)
    assert expected.items() <= answer.items()


@pytest.mark.podman
def test_the_stricter_stub_refuses_a_flag_as_llama_cpp_does(machine: Machine) -> None:
    machine.wipe()
    script = "python /opt/stub/llama.py --no-mmap 2>&1; echo exit code $?"
    said = machine.podman("run", "--rm", "--entrypoint", "/bin/bash", build.STUB_STRICT, "-c", script)
    assert said.splitlines() == ["error: invalid argument: --no-mmap", "exit code 1"]


def answered(machine: Machine, port: int, path: str) -> dict:
    """The answer as soon as there is one; fails with the container's log when it ends first."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
                return json.load(answer)
        except OSError:
            state = machine.podman("inspect", "--format", "{{.State.Status}}", "it").strip()
            assert state == "running", machine.podman("logs", "it")
    raise AssertionError(f"no answer on {path}")


def test_the_demo_home_is_written_once_with_free_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = {8101}
    monkeypatch.setattr(run, "is_free", lambda port: port not in taken)
    home = tmp_path / "home"
    assert "written" in run.write_home(home)
    assert [run.slot_port(home, slot) for slot in ("chat", "embed")] == ["8102", "8103"]
    (home / "slots/chat.toml").write_text("port = 9000 # mine\n")
    assert "kept" in run.write_home(home)
    assert run.slot_port(home, "chat") == "9000"


def test_the_demo_image_is_pinned() -> None:
    assert "==" in demo.REQUIREMENT
