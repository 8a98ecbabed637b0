"""The settings file: every key to its field, every fault with its place."""

from hal0_operator.desired.settings import decode_settings
from hal0_operator.desired.source import SourceFile
from hal0_operator.model.settings import (
    DeviceSettings,
    FamilySettings,
    GitopsSettings,
    LoopSettings,
    Policy,
    ProbeSettings,
    Settings,
)
from tests.desired.texts import place

FULL = """\
home_id = "lab"
model_store = "/srv/models"
registry = "/var/lib/hal0/registry.toml"
listen = "[::1]:9090"
allowed_hosts = ["lab.local"]
api_key_file = "/etc/hal0-operator/token"

[loop]
resync_s = 5
grace_s = 0
drain_s = 2.5
restart_on_no_progress = true

[probe]
start_s = 0.1
ready_s = 10
timeout_s = 2
answer_s = 600

[devices]
npu = []
npu_memlock = 1073741824
gpu = ["/dev/dri/renderD128"]

[families.llama-server]
security_opt = ["seccomp=unconfined"]

[families.flm]
cache = "/srv/flm"
start_deadline_s = 300

[policy]
images = ["localhost/"]
mounts = ["/srv/lora"]
devices = ["/dev/x"]
secret_dirs = []
secrets = ["lab-*"]

[gitops]
url = "https://git.example.org/homes.git"
branch = "prod"
path = "./homes/lab/"
interval_s = 30
timeout_s = 20
keep = 3
verify = "ssh"
allowed_signers = "/etc/hal0-operator/signers"
token_file = "/etc/hal0-operator/token"
webhook_secret_file = "/etc/hal0-operator/hook"
"""


def test_an_empty_file_is_all_defaults() -> None:
    assert decode_settings(SourceFile("config.toml")) == (Settings(), ())


def test_every_key_lands_in_its_field() -> None:
    settings, problems = decode_settings(SourceFile("config.toml", FULL.encode()))
    assert problems == ()
    assert settings == Settings(
        home_id="lab",
        model_store="/srv/models",
        registry="/var/lib/hal0/registry.toml",
        listen="[::1]:9090",
        allowed_hosts=("lab.local",),
        api_key_file="/etc/hal0-operator/token",
        loop=LoopSettings(resync_s=5.0, grace_s=0.0, drain_s=2.5, restart_on_no_progress=True),
        probe=ProbeSettings(start_s=0.1, ready_s=10.0, timeout_s=2.0, answer_s=600.0),
        devices=DeviceSettings(npu=(), npu_memlock=1073741824, gpu=("/dev/dri/renderD128",)),
        families={
            "llama-server": FamilySettings(security_opt=("seccomp=unconfined",)),
            "flm": FamilySettings(cache="/srv/flm", start_deadline_s=300.0),
        },
        policy=Policy(
            images=("localhost/",), mounts=("/srv/lora",), devices=("/dev/x",), secret_dirs=(), secrets=("lab-*",)
        ),
        gitops=GitopsSettings(
            url="https://git.example.org/homes.git",
            branch="prod",
            path="homes/lab",
            interval_s=30.0,
            timeout_s=20.0,
            keep=3,
            verify="ssh",
            allowed_signers="/etc/hal0-operator/signers",
            token_file="/etc/hal0-operator/token",
            webhook_secret_file="/etc/hal0-operator/hook",
        ),
    )
    assert settings.listen_port == 9090


def test_every_field_of_the_settings_has_a_key() -> None:
    """What a struct holds can be set, so the table and the structs cannot drift apart."""
    settings, _ = decode_settings(SourceFile("config.toml", FULL.encode()))
    left = [field for field in Settings.__struct_fields__ if getattr(settings, field) == getattr(Settings(), field)]
    assert left == []
    for struct in (settings.loop, settings.probe, settings.policy):
        assert [f for f in struct.__struct_fields__ if getattr(struct, f) == getattr(type(struct)(), f)] == []


FAULTY = """\
listen = "0.0.0.0:99999"
model_store = "models"
allowed_host = ["x"]
resync_s = 3
[loop]
grace_s = "10s"
resync_s = 0
[devices]
npu = ["accel0"]
npu_memlock = "lots"
[families.vllm]
cache = "/x"
[policy]
images = ["ghcr.io/hal0ai/", "", "debian"]
[gitops]
url = "x"
"""


def test_all_faults_come_in_one_run_with_their_places() -> None:
    settings, problems = decode_settings(SourceFile("config.toml", FAULTY.encode()))
    assert [(place(problem), ".".join(problem.path)) for problem in problems] == [
        ((1, 10), "listen"),
        ((2, 15), "model_store"),
        ((3, 1), "allowed_host"),
        ((4, 1), "resync_s"),
        ((6, 11), "loop.grace_s"),
        ((7, 12), "loop.resync_s"),
        ((9, 8), "devices.npu.0"),
        ((10, 15), "devices.npu_memlock"),
        ((11, 11), "families.vllm"),
        ((14, 30), "policy.images.1"),
        ((14, 34), "policy.images.2"),
        ((16, 7), "gitops.url"),
    ]
    assert {problem.code for problem in problems} == {"settings.schema"}
    assert settings.listen == "127.0.0.1:8080"


def test_hints_lead_on() -> None:
    _, problems = decode_settings(SourceFile("config.toml", FAULTY.encode()))
    hints = {".".join(problem.path): problem.hint for problem in problems}
    assert hints["allowed_host"] == "did you mean `allowed_hosts`?"
    assert hints["resync_s"] == "its place is `resync_s` below [loop]"
    assert "file:///path" in hints["gitops.url"]


def test_a_file_that_is_no_toml_is_one_problem() -> None:
    _, (problem,) = decode_settings(SourceFile("config.toml", b"listen = 127.0.0.1:8080\n"))
    assert place(problem) == (1, 10)
    _, (problem,) = decode_settings(SourceFile("config.toml", refused="is a folder"))
    assert (problem.message, place(problem)) == ("is a folder", (1, 1))


def test_unlimited_memlock_is_the_default_in_words() -> None:
    settings, problems = decode_settings(SourceFile("c", b'[devices]\nnpu_memlock = "unlimited"\n'))
    assert (settings, problems) == (Settings(), ())
