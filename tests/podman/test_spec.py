"""The body of a create, golden: what is sent for a full specification and for the least one."""

import json

from hal0_operator.model.container import ContainerSpec, DeviceNode, Mount, Ulimit
from hal0_operator.podman import spec

LEAST = {
    "name": "hal0-chat",
    "image": "localhost/stub:1",
    "labels": {},
    "env": {},
    "portmappings": [{"host_ip": "127.0.0.1", "host_port": 8101, "container_port": 8101, "protocol": "tcp"}],
    "log_configuration": {"driver": "k8s-file", "size": 50_000_000},
    "healthconfig": {"Test": ["NONE"]},
    "no_new_privileges": True,
    "stop_timeout": 10,
}


def test_the_least() -> None:
    least = ContainerSpec(name="hal0-chat", image="localhost/stub:1", host_port=8101, container_port=8101)
    assert json.loads(spec.body(least)) == LEAST


def test_all_of_it() -> None:
    full = ContainerSpec(
        name="hal0-chat",
        image="localhost/stub:1",
        command=("--port", "8101"),
        env={"A": "b"},
        secret_env={"TOKEN": "hal0-token"},
        mounts=(Mount("/m", "/m"), Mount("/c", "/cache", read_only=False, create=True)),
        devices=(DeviceNode("/dev/accel/accel0", "261:0"),),
        groups=(44, 993),
        ulimits=(Ulimit("memlock", -1, -1), Ulimit("nofile", 10, 20)),
        host_port=8101,
        container_port=8101,
        labels={"dev.hal0.slot": "chat"},
        security_opt=(
            "label=disable",
            "seccomp=unconfined",
            "apparmor=x",
            "mask=/a:/b",
            "unmask=/c",
            "no-new-privileges",
        ),
        shm_size=8 << 30,
        private_ipc=True,
        stop_timeout=30,
    )
    assert json.loads(spec.body(full)) == LEAST | {
        "command": ["--port", "8101"],
        "env": {"A": "b"},
        "secret_env": {"TOKEN": "hal0-token"},
        "mounts": [
            {"type": "bind", "source": "/m", "destination": "/m", "options": ["rbind", "ro"]},
            {"type": "bind", "source": "/c", "destination": "/cache", "options": ["rbind", "rw"]},
        ],
        "devices": [{"path": "/dev/accel/accel0"}],
        "groups": ["44", "993"],
        "r_limits": [
            {"type": "memlock", "soft": 2**64 - 1, "hard": 2**64 - 1},
            {"type": "nofile", "soft": 10, "hard": 20},
        ],
        "labels": {"dev.hal0.slot": "chat"},
        "selinux_opts": ["disable"],
        "seccomp_profile_path": "unconfined",
        "apparmor_profile": "x",
        "mask": ["/a", "/b"],
        "unmask": ["/c"],
        "shm_size": 8 << 30,
        "ipcns": {"nsmode": "private"},
        "stop_timeout": 30,
    }
