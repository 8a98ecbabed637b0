"""Whatever keeps a container from being made is found before, and said so that a person can act."""

import os
import stat as modes
import subprocess
import sys
from pathlib import Path

import pytest

from hal0_operator.host import nodes
from hal0_operator.host.procs import HostProcs
from hal0_operator.model.container import Mount
from hal0_operator.model.facts import HostFacts, Needs
from hal0_operator.model.settings import DeviceSettings
from hal0_operator.model.world import Container
from tests.host.actors import CHILD, conmon

ID = "ab" * 32
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="device nodes are made by root only")


def check(devices: DeviceSettings = DeviceSettings(), own: tuple[Container, ...] = (), **needs: object) -> HostFacts:
    return HostProcs().check(Needs(slot="chat", port=1, **needs), devices, own)


# ── models ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def store(tmp_path: Path) -> Path:
    store = tmp_path / "store"
    (store / "local" / "qwen").mkdir(parents=True)
    (store / "local" / "qwen" / "Qwen3-4B-Q4_K_M.gguf").write_bytes(b"x" * 100)
    (store / "local" / "qwen" / "mmproj-F16.gguf").write_bytes(b"x")
    (store / "m.gguf").write_bytes(b"x" * 7)
    return store


def model(store: Path, reference: str, procs: HostProcs | None = None, **more: object) -> HostFacts:
    needs = Needs(slot="chat", port=1, model=reference, store=str(store), **{"model_roots": (str(store),), **more})
    return (procs or HostProcs()).check(needs, DeviceSettings(), ())


@pytest.mark.parametrize("reference", ["m.gguf", "m", "{store}/m.gguf"])
def test_a_model_is_found_by_path_and_by_stem(store: Path, reference: str) -> None:
    facts = model(store, reference.format(store=store))
    assert (facts.problem, facts.model.path, facts.model.size) == ("", f"{store}/m.gguf", 7)


def test_a_projector_beside_the_model_comes_with_it(store: Path) -> None:
    assert model(store, "Qwen3-4B-Q4_K_M").model.projector == f"{store}/local/qwen/mmproj-F16.gguf"


def test_a_missing_model_is_named_and_found_as_soon_as_it_is_there(store: Path) -> None:
    """The walk is remembered per folder, and a folder that changed is read again."""
    procs = HostProcs()
    facts = model(store, "new-model", procs)
    assert facts.problem == "ModelMissing" and "new-model" in facts.message and facts.model is None
    (store / "local" / "deep").mkdir()
    (store / "local" / "deep" / "new-model.gguf").write_bytes(b"x")
    assert model(store, "new-model", procs).model.path == f"{store}/local/deep/new-model.gguf"
    (store / "local" / "deep" / "new-model.gguf").unlink()
    assert model(store, "new-model", procs).problem == "ModelMissing"


def test_a_folder_that_stood_still_is_not_read_again(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in (store, store / "local", store / "local" / "qwen"):
        os.utime(folder, (1, 1))
    procs = HostProcs()
    assert model(store, "m", procs).problem == ""
    monkeypatch.setattr(os, "scandir", lambda path: pytest.fail(f"{path} was read again"))
    assert model(store, "m", procs).problem == ""


def test_a_store_that_is_not_mounted_is_told_from_a_missing_file(store: Path) -> None:
    facts = model(store / "gone", "m")
    assert facts.problem == "ModelMissing" and "model_store" in facts.message


def test_the_registry_leads_to_a_file_and_a_broken_one_is_named(store: Path, tmp_path: Path) -> None:
    registry = tmp_path / "registry.toml"
    registry.write_text(f'[models.big]\npath = "{store}/m.gguf"\n')
    procs = HostProcs()
    assert model(store, "big", procs, registry=str(registry)).model.path == f"{store}/m.gguf"
    registry.write_text("[models.big\n")
    facts = model(store, "big", procs, registry=str(registry))
    assert facts.problem == "ModelMissing" and "not valid TOML" in facts.message
    assert model(store, "m", procs, registry=str(registry)).problem == ""


def test_links_in_the_store_are_followed_unless_the_container_could_not(store: Path, tmp_path: Path) -> None:
    (store / "alias.gguf").symlink_to(store / "local" / "qwen" / "Qwen3-4B-Q4_K_M.gguf")
    (tmp_path / "elsewhere.gguf").write_bytes(b"x")
    (store / "out.gguf").symlink_to(tmp_path / "elsewhere.gguf")
    (store / "loop").symlink_to(store)
    assert model(store, "alias.gguf").model.size == 100
    facts = model(store, "out.gguf")
    assert facts.problem == "ModelMissing" and "cannot see" in facts.message
    assert model(store, "out.gguf", model_roots=(str(store), str(tmp_path))).problem == ""


def test_names_that_no_command_line_can_carry_are_passed_over_and_shown_escaped(store: Path, tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/odd\xff\x1b.gguf"
    open(odd, "w").close()
    for name in (b"mmproj-m\xff.gguf", b"m\n.gguf"):
        open(os.fsencode(store) + b"/" + name, "w").close()
    assert model(store, "m").model.projector == ""
    os.symlink(odd, store / "link.gguf")
    message = model(store, "link").message
    assert "odd\\udcff\\x1b.gguf" in message and message.isprintable()


# ── mounts ─────────────────────────────────────────────────────────────────────────────────────


def test_a_writable_folder_is_made_and_a_read_only_one_never(tmp_path: Path) -> None:
    cache = tmp_path / "a" / "cache"
    assert check(mounts=(Mount(str(cache), "/cache", read_only=False, create=True),)).problem == ""
    assert cache.is_dir() and modes.S_IMODE(cache.stat().st_mode) == 0o755
    facts = check(mounts=(Mount(str(tmp_path / "b"), "/b", create=True),))
    assert facts.problem == "MountMissing" and str(tmp_path / "b") in facts.message
    assert not (tmp_path / "b").exists()


def test_nothing_is_made_while_something_else_is_in_the_way(store: Path, tmp_path: Path) -> None:
    mount = Mount(str(tmp_path / "cache"), "/cache", read_only=False, create=True)
    assert model(store, "nothing", mounts=(mount,)).problem == "ModelMissing"
    assert not (tmp_path / "cache").exists()


def test_a_folder_that_cannot_be_made_is_said_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    facts = check(mounts=(Mount(str(tmp_path / "file" / "cache"), "/c", read_only=False, create=True),))
    assert facts.problem == "MountMissing" and "Not a directory" in facts.message


def test_a_link_to_mount_must_end_below_a_root(tmp_path: Path) -> None:
    for folder in ("store/models", "disk/models", "outside"):
        (tmp_path / folder).mkdir(parents=True)
    store, disk = str(tmp_path / "store"), str(tmp_path / "disk")
    (tmp_path / "store" / "in").symlink_to("models")
    (tmp_path / "store" / "moved").symlink_to(f"{disk}/models")
    (tmp_path / "store" / "out").symlink_to(tmp_path / "outside")
    (tmp_path / "link").symlink_to(store)

    def found(source: str, *roots: str) -> str:
        return check(mounts=(Mount(source, "/x"),), mount_roots=roots).message

    assert found(f"{store}/in", store) == found(f"{tmp_path}/link/in", f"{tmp_path}/link") == ""
    assert found(f"{store}/moved", store, disk) == ""
    assert f"is a link to {disk}/models" in found(f"{store}/moved", store)
    assert f"is a link to {tmp_path}/outside" in found(f"{store}/out", store, disk)


# ── secrets ────────────────────────────────────────────────────────────────────────────────────


def test_secrets_are_read_without_their_final_newline(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hunter2\n")
    path = str(tmp_path / "token")
    assert check(secret_files=(path,)).secrets == {path: "hunter2"}


def test_a_secret_that_cannot_be_used_is_named_and_never_quoted(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("hunter2")
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "huge").write_text("hunter2" * 20_000)
    (tmp_path / "binary").write_bytes(b"hunter2\xff")
    (tmp_path / "nul").write_bytes(b"hunter2\0")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "huge", "binary", "nul", "pipe", "missing"):
        facts = check(secret_files=(str(tmp_path / name),))
        assert facts.problem == "SecretMissing" and name in facts.message
        assert "hunter2" not in facts.message and not facts.secrets


def test_a_secret_may_be_a_link_within_its_folder_and_never_out_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    (folder / "..data").mkdir(parents=True)
    (folder / "..data" / "token").write_text("hunter2\n")
    (folder / "token").symlink_to("..data/token")
    (tmp_path / "shadow").write_text("root:x")
    (folder / "out").symlink_to("../shadow")
    (folder / "up").symlink_to("..")
    path = str(folder / "token")
    assert check(secret_files=(path,), secret_roots=(str(folder),)).secrets == {path: "hunter2"}
    for name in ("out", "up/shadow"):
        facts = check(secret_files=(str(folder / name),), secret_roots=(str(folder),))
        assert facts.problem == "SecretMissing" and "leaves" in facts.message and not facts.secrets


# ── nodes ──────────────────────────────────────────────────────────────────────────────────────


def node(path: Path, mode: int, minor: int = 77) -> str:
    """A character device that no driver serves."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mknod(path, modes.S_IFCHR | mode, os.makedev(240, minor))
    path.chmod(mode)
    return str(path)


@root_only
def test_a_node_is_given_by_number_and_group(tmp_path: Path) -> None:
    path = node(tmp_path / "accel0", 0o660)
    os.chown(path, 0, 992)
    found = check(nodes=(path,)).nodes
    assert [(n.path, n.rdev, n.gid) for n in found] == [(path, "240:77", 992)]


@root_only
def test_a_link_by_path_leads_to_its_node(tmp_path: Path) -> None:
    path = node(tmp_path / "renderD128", 0o666)
    (tmp_path / "pci-0000-render").symlink_to("renderD128")
    assert [n.path for n in check(nodes=(str(tmp_path / "pci-0000-render"), path)).nodes] == [path]


@root_only
def test_missing_and_unreadable_are_two_problems_and_a_file_is_no_node(tmp_path: Path) -> None:
    path = node(tmp_path / "accel0", 0o600)
    devices = DeviceSettings(npu=(path,))
    assert check(devices, npu=True).problem == "DeviceDenied", "the image does not run as root"
    os.chmod(path, 0o000)
    denied = check(nodes=(path,))
    assert denied.problem == "DeviceDenied" and path in denied.message and "chmod" in denied.message
    os.unlink(path)
    missing = check(devices, npu=True)
    assert missing.problem == "DeviceMissing" and path in missing.message
    Path(path).touch()
    assert "not a device node" in check(nodes=(path,)).message


@root_only
def test_nodes_are_probed_where_the_settings_name_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "COMPUTE", str(tmp_path / "kfd"))
    monkeypatch.setattr(nodes, "RENDER_FOLDER", str(tmp_path / "dri"))
    monkeypatch.setattr(nodes, "NPU", str(tmp_path / "accel" / "accel0"))
    facts = check(render=True)
    assert facts.problem == "DeviceMissing" and "render node" in facts.message
    for minor, name in enumerate(("kfd", "dri/renderD128", "dri/renderD129", "dri/card0", "accel/accel0")):
        node(tmp_path / name, 0o666, minor)
    names = [
        [os.path.basename(n.path) for n in check(**needs).nodes]
        for needs in (
            {"render": True},
            {"render": True, "gpu": True},
            {"render": True, "npu": True},
        )
    ]
    assert names == [
        ["renderD128", "renderD129"],
        ["kfd", "renderD128", "renderD129"],
        ["accel0", "renderD128", "renderD129"],
    ]


# ── who has the NPU open ───────────────────────────────────────────────────────────────────────

OPEN = "import sys; node = open('/dev/zero'); " + CHILD
"""``/dev/zero`` stands for the NPU: a node that anyone can open."""
ZERO = DeviceSettings(npu=("/dev/zero",))


def test_without_a_node_nobody_holds_it(tmp_path: Path) -> None:
    assert check(DeviceSettings(npu=()), npu=True).npu_holders == ()
    assert check(ZERO).npu_holders == ()


def test_an_ordinary_user_is_denied_a_node_that_is_roots(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")
    path = node(tmp_path / "accel0", 0o660)
    os.chmod(tmp_path, 0o755)
    for folder in tmp_path.parents[:2]:
        os.chmod(folder, 0o755)
    code = (
        "import os, sys\nfrom hal0_operator.host import nodes\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "print(nodes.look(sys.argv[1], for_image_user=False).reason)"
    )
    shown = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert shown.stdout == "DeviceDenied\n"
