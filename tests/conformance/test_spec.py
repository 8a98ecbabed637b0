"""Each field of a specification, looked for inside a real container: Podman accepts misspelt ones silently."""

import urllib.request

import pytest

from hal0_operator.model.container import DeviceNode, Mount, Ulimit
from hal0_operator.seams.podman import PodmanFault
from tests.conformance.real import RealGround

pytestmark = pytest.mark.podman


def told(real: RealGround, script: str, **changes: object) -> list[str]:
    """What a container with this script prints."""
    id = real.started(command=(script,), **changes)
    found = real.settled(id, "exited")
    lines = real.podman.logs(id, 1000)
    assert found.exit_code == 0, lines
    return list(lines)


def inspected(real: RealGround, id: str, template: str) -> str:
    return real.machine.podman("inspect", "--format", template, id).strip()


def test_environment_groups_and_shared_memory(real: RealGround) -> None:
    script = 'echo "$ONE"; echo "$TWO"; id -G; grep " /dev/shm " /proc/mounts'
    env = {"ONE": "a 'quoted' value", "TWO": ""}
    one, two, groups, shm = told(real, script, env=env, groups=(44, 993), shm_size=1 << 20)
    assert (one, two) == ("a 'quoted' value", "")
    assert {"44", "993"} <= set(groups.split())
    assert "size=1024k" in shm


def test_mounts_are_read_only_unless_said_otherwise(real: RealGround) -> None:
    fixed, free = real.make_folder(), real.make_folder()
    mounts = (Mount(fixed, "/fixed"), Mount(free, "/free", read_only=False))
    lines = told(real, "touch /free/made && echo wrote; touch /fixed/made 2>/dev/null || echo refused", mounts=mounts)
    assert lines == ["wrote", "refused"]


def test_a_device_is_passed_with_its_number(real: RealGround) -> None:
    (line,) = told(real, "ls -l /dev/fuse", devices=(DeviceNode("/dev/fuse", "10:229"),))
    assert "10, 229" in line


def test_limits_are_set(real: RealGround) -> None:
    limits = (Ulimit("nofile", 1000, 2000), Ulimit("nproc", 3000, 3000), Ulimit("memlock", 65536, 65536))
    lines = told(real, "grep -E 'open files|processes|locked' /proc/self/limits", ulimits=limits)
    found = {line[:26].strip(): line[26:].split()[:2] for line in lines}
    assert found["Max open files"] == ["1000", "2000"]
    assert found["Max processes"] == ["3000", "3000"]
    assert found["Max locked memory"] == ["65536", "65536"]


def test_an_unlimited_limit_is_set_or_named_as_what_the_machine_forbids(real: RealGround) -> None:
    limits = (Ulimit("memlock", -1, -1), Ulimit("nofile", 1000, 1000), Ulimit("nproc", 1000, 1000))
    id = real.podman.create(real.spec(ulimits=limits, command=("grep locked /proc/self/limits",)))
    try:
        real.podman.start(id)
    except PodmanFault as failed:
        assert failed.fault.kind == "limits"
        assert "npu_memlock" in failed.fault.message
    else:
        real.settled(id, "exited")
        assert "unlimited" in real.podman.logs(id, 1)[0]


def test_no_new_privileges_and_the_default_seccomp_filter_are_on(real: RealGround) -> None:
    lines = told(real, "grep -E 'NoNewPrivs|Seccomp:' /proc/self/status")
    assert [line.split()[1] for line in lines] == ["1", "2"]


def test_security_options_take_effect(real: RealGround) -> None:
    options = ("seccomp=unconfined", "label=disable", "apparmor=unconfined", "unmask=/proc/kcore")
    lines = told(
        real,
        "grep -E 'NoNewPrivs|Seccomp:' /proc/self/status; grep -c kcore /proc/mounts || true",
        security_opt=options,
    )
    assert [line.split()[-1] for line in lines] == ["1", "0", "0"]


def test_an_unknown_security_option_is_refused_before_podman_hears_of_it(real: RealGround) -> None:
    with pytest.raises(PodmanFault, match="security_opt 'sekkomp=unconfined' is not understood"):
        real.podman.create(real.spec(security_opt=("sekkomp=unconfined",)))


def test_ipc_is_private_when_asked_for(real: RealGround) -> None:
    """4.3 reports every mode as shareable: what counts is that nobody can join."""
    id = real.started(private_ipc=True)
    with pytest.raises(RuntimeError, match="not shareable|non-shareable|not allowed|ipc"):
        real.machine.podman("run", "--rm", "--ipc", f"container:{id}", real.image, "true")
    shared = real.started()
    real.machine.podman("run", "--rm", "--ipc", f"container:{shared}", real.image, "true")


def test_logs_are_bounded_files_and_podman_checks_and_restarts_nothing(real: RealGround) -> None:
    id = real.podman.create(real.spec(stop_timeout=7))
    template = "{{.HostConfig.LogConfig.Type}} {{.HostConfig.LogConfig.Size}} {{.Config.StopTimeout}}"
    assert inspected(real, id, template) == "k8s-file 50MB 7"
    assert inspected(real, id, "{{.HostConfig.RestartPolicy.Name}}") in ("", "no")
    assert inspected(real, id, "{{.Config.Healthcheck.Test}}") == "[NONE]"


def test_the_port_is_published_on_loopback_only(real: RealGround) -> None:
    script = "echo found > /www/page; exec httpd -f -p 80 -h /www"
    port = real.port()
    id = real.started(command=(script,), host_port=port)
    assert inspected(real, id, "{{.HostConfig.PortBindings}}") == f"map[80/tcp:[{{127.0.0.1 {port}}}]]"
    assert _fetched("127.0.0.1", port) == "found\n"


def test_a_running_containers_own_address_leads_to_it_past_the_published_port(real: RealGround) -> None:
    script = "echo found > /www/page; exec httpd -f -p 80 -h /www"
    id = real.podman.create(real.spec(command=(script,)))
    assert real.podman.address(id) == ""
    real.podman.start(id)
    address = real.podman.address(id)
    if real.machine.kind == "rootless":  # the host is not on a user's network
        return
    assert _fetched(address, 80) == "found\n"


def test_a_secret_reaches_the_environment(real: RealGround) -> None:
    source = real.folder / "secret"
    source.write_text("s3cret")
    real.machine.podman("secret", "create", "hal0-token", str(source))
    try:
        assert told(real, 'echo "$TOKEN"', secret_env={"TOKEN": "hal0-token"}) == ["s3cret"]
    finally:
        real.machine.podman("secret", "rm", "hal0-token")


def _fetched(address: str, port: int) -> str:
    """Asks until the server listens."""
    for _ in range(1000):
        try:
            with urllib.request.urlopen(f"http://{address}:{port}/page", timeout=30) as answer:
                return answer.read().decode()
        except ConnectionError:
            continue
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionError):
                raise
    raise AssertionError(f"nothing listens on {port}")
