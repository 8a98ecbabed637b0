"""Every answer of Podman that was recorded gets its kind; the texts of 4.3 (runc) and 5.4 (crun) are both here."""

import json

import pytest

from hal0_operator.podman.errors import SHOWN, fault_of_answer

ID = "3f0546fe88babd5865a5507ba1ac47a2424f7334b77f74434dc948d99dda6d2f"
IN_USE = "that name is already in use"
NO_COMMAND = "OCI runtime attempted to invoke a command that was not found"
DENIED = "OCI permission denied"
RUNC = "runc: runc create failed: unable to start container process: "

# name: (kind, status, cause, message)
RECORDED = {
    "create, name in use, both": (
        "name_in_use",
        500,
        IN_USE,
        f'creating container storage: the container name "r1" is already in use by {ID}. '
        f"You have to remove that container to be able to reuse that name: {IN_USE}",
    ),
    "create, name lost by a rename during a removal, 4.3": (
        "name_in_use",
        500,
        "pod already exists",
        'name "r1" is in use: pod already exists',
    ),
    "create, image unknown, 4.3": ("image_unknown", 500, "image not known", "localhost/nope:1: image not known"),
    "create, image unknown, 5.4": (
        "image_unknown",
        404,
        "image not known",
        "no such image: localhost/nope:1: image not known",
    ),
    "create, bad reference, 4.3": ("bad_reference", 500, "invalid reference format", "invalid reference format"),
    "create, bad reference, 5.4": (
        "bad_reference",
        500,
        "invalid reference format",
        'parsing reference "Bad//Ref": invalid reference format',
    ),
    "create, device missing, both": (
        "device_missing",
        500,
        "no such file or directory",
        "stat /dev/dri/nope: no such file or directory",
    ),
    "create, device is no node, both": (
        "device_missing",
        500,
        "not a device node",
        "/etc/hostname is not a valid device: not a device node",
    ),
    "create, mount source missing, both": (
        "mount_missing",
        500,
        "no such file or directory",
        "statfs /tmp/nope/x: no such file or directory",
    ),
    "create, network missing, both": (
        "network_missing",
        500,
        "network not found",
        "unable to find network with name or ID nonet: network not found",
    ),
    "create, secret missing, both": (
        "secret_missing",
        500,
        "no such secret",
        'running container create option: no secret with name or id "nosecret": no such secret',
    ),
    "create, malformed body, 4.3": (
        "other",
        500,
        "json: cannot unmarshal number -1 into Go struct field POSIXRlimit.r_limits.soft of type uint64",
        "decode(): json: cannot unmarshal number -1 into Go struct field POSIXRlimit.r_limits.soft of type uint64",
    ),
    "start, port taken, both": (
        "port_in_use",
        500,
        "address already in use",
        "cannot listen on the TCP port: listen tcp4 127.0.0.1:28990: bind: address already in use",
    ),
    "start, command missing, 4.3": (
        "command_missing",
        500,
        NO_COMMAND,
        f'{RUNC}exec: "/bin/nonesuch": stat /bin/nonesuch: no such file or directory: {NO_COMMAND}',
    ),
    "start, command missing, 5.4": (
        "command_missing",
        500,
        NO_COMMAND,
        f"crun: executable file `/bin/nonesuch` not found: No such file or directory: {NO_COMMAND}",
    ),
    "start, mount source vanished, 4.3": (
        "mount_missing",
        500,
        NO_COMMAND,
        f'{RUNC}error during container init: error mounting "/tmp/w/mnt" to rootfs at "/x": '
        f"stat /tmp/w/mnt: no such file or directory: {NO_COMMAND}",
    ),
    "start, mount source vanished, 5.4": (
        "mount_missing",
        500,
        NO_COMMAND,
        f"crun: cannot stat `/tmp/w/mnt`: No such file or directory: {NO_COMMAND}",
    ),
    "start, limits, 4.3": (
        "limits",
        500,
        DENIED,
        f"{RUNC}error during container init: error setting rlimits for ready process: "
        f"error setting rlimit type 8: operation not permitted: {DENIED}",
    ),
    "start, limits, 5.4": (
        "limits",
        500,
        DENIED,
        f"crun: setrlimit `RLIMIT_MEMLOCK`: Operation not permitted: {DENIED}",
    ),
    "start, command is a folder, 4.3": ("other", 500, DENIED, f'{RUNC}exec: "/etc": permission denied: {DENIED}'),
    "start, command is a folder, 5.4": (
        "other",
        500,
        DENIED,
        f"crun: the path `/etc` is not a regular file: Operation not permitted: {DENIED}",
    ),
    "start after an interrupted start, 4.3": (
        "runtime_leftover",
        500,
        "OCI runtime error",
        "runc: runc create failed: container with given ID already exists: OCI runtime error",
    ),
    "start after an interrupted start, 5.4": (
        "runtime_leftover",
        500,
        "OCI runtime error",
        f"crun: container `{ID}` already exists: OCI runtime error",
    ),
    "start of a stopping one, both": (
        "state_improper",
        500,
        "container state improper",
        f"container {ID} must be in Created or Stopped state to be started: container state improper",
    ),
    "kill, not running, 4.3": (
        "state_improper",
        500,
        "container state improper",
        f"can only kill running containers. {ID} is in state created: container state improper",
    ),
    "kill, not running, 5.4": (
        "state_improper",
        409,
        "container state improper",
        f"can only kill running containers. {ID} is in state created: container state improper",
    ),
    "remove of a running one without force, both": (
        "state_improper",
        500,
        "container state improper",
        f"cannot remove container {ID} as it is running - running or paused containers cannot be removed "
        "without force: container state improper",
    ),
    "remove, monitor gone, 5.4": (
        "conmon_gone",
        500,
        "internal libpod error",
        f"cannot remove container {ID} as it could not be stopped: container {ID} conmon exited prematurely, "
        "exit code could not be retrieved: internal libpod error",
    ),
    "stop, monitor gone, 5.x": ("conmon_gone", 500, "conmon process killed", "conmon process killed"),
    "rename to a used name, 4.3": ("other", 409, "container already exists", "container already exists"),
    "rename to a used name, 5.4": (
        "other",
        500,
        "UNIQUE constraint failed: ContainerConfig.Name",
        "UNIQUE constraint failed: ContainerConfig.Name",
    ),
    "anything, no such container, 4.3": (
        "no_such_container",
        404,
        "no such container",
        'no container with name or ID "r2" found: no such container',
    ),
    "anything, no such container, 5.4": (
        "no_such_container",
        404,
        "no such container",
        'no container with ID or name "r2" found: no such container',
    ),
    "create, disk full, both": (
        "local",
        500,
        "no space left on device",
        "creating container storage: mkdir /var/lib/x: no space left on device",
    ),
}


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_answer_has_its_kind(name: str) -> None:
    kind, status, cause, message = RECORDED[name]
    body = json.dumps({"cause": cause, "message": message, "response": status}).encode()
    fault = fault_of_answer("start chat", status, body)
    assert (fault.kind, fault.status) == (kind, status)
    assert fault.message.startswith("start chat: ")
    assert message[:60] in fault.message


def test_a_pull_of_5_4_answers_without_a_cause() -> None:
    assert fault_of_answer("pull x", 500, b'{"message":"invalid reference format"}').kind == "bad_reference"
    assert fault_of_answer("pull x", 500, b'{"message":"connection refused"}').kind == "other"


@pytest.mark.parametrize(
    "body", [b"", b"Not Found\n", b"[]", b"null", b'{"cause": 3}', b'{"message": null}', b"\xff\xfe", b"{" * 5000]
)
def test_an_answer_that_is_no_error_document_is_a_fault_and_no_crash(body: bytes) -> None:
    fault = fault_of_answer("start chat", 500, body)
    assert fault.kind == "other"
    assert fault.message.startswith("start chat: ")


def test_a_hostile_message_stays_one_short_printable_line() -> None:
    body = json.dumps({"cause": "x", "message": "\x1b[2J\n\r" + "a" * 10_000}).encode()
    message = fault_of_answer("start chat", 500, body).message
    assert message.isprintable()
    assert len(message) < SHOWN + 100


def test_the_cause_decides_before_the_message() -> None:
    """A file name in a message cannot pass for another failure."""
    body = {"cause": "no such secret", "message": 'no secret with name or id "address already in use": no such secret'}
    assert fault_of_answer("create chat", 500, json.dumps(body).encode()).kind == "secret_missing"
