"""``hal0ctl run`` as a process of its own, over a home in a folder of its own, on a real Podman."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tomli_w
import watchfiles

from tests.images.build import STUB
from tests.support.machine import OPERATOR, Machine
from tests.support.unix_http import Connection, events

HAL0CTL = str(Path(sys.executable).with_name("hal0ctl"))
SETTINGS: dict[str, Any] = {
    "loop": {"resync_s": 1.0, "grace_s": 1.0, "drain_s": 1.0},
    "probe": {"start_s": 0.05, "ready_s": 0.5, "timeout_s": 1.0},
    "devices": {"npu": [], "gpu": []},
}
"""The clock is shortened by settings alone; nothing in the operator knows that it is tested."""

Slots = dict[str, dict[str, Any]]


class Home:
    """A home on disk.  ``save`` replaces a file as an editor does; ``ports`` are this scenario's own."""

    def __init__(self, path: Path, ports: range) -> None:
        self.path, self.ports = path, ports
        (path / "slots").mkdir(parents=True)

    def save(self, name: str, text: str) -> None:
        target = self.path / name
        staged = target.with_name(f".{target.name}.swp")
        staged.write_text(text)
        staged.replace(target)

    def slot(self, name: str, **keys: Any) -> None:
        """Write a slot file: profile ``stub`` on the CPU with ``m.gguf``, unless ``keys`` say otherwise.

        ``None`` leaves a key out.  chat, code and util have the first three ports.
        """
        table: dict[str, Any] = {"device": "cpu", "profile": "stub"}
        if name in PORT_OF:
            table["port"] = self.ports[PORT_OF[name]]
        table["model"] = {"default": "m.gguf", "context_size": 4096}
        table = {key: value for key, value in (table | keys).items() if value is not None}
        self.save(f"slots/{name}.toml", tomli_w.dumps(table))

    def profile(self, name: str, **keys: Any) -> None:
        """Add or replace a profile: the stub image on the CPU, unless ``keys`` say otherwise."""
        file = self.path / "profiles.toml"
        known = tomllib.loads(file.read_text()).get("profile", {}) if file.exists() else {}
        table = known | {name: {"image": STUB, "flags": "", "device_class": "cpu"} | keys}
        self.save(file.name, tomli_w.dumps({"profile": table}))

    def delete(self, name: str) -> None:
        (self.path / name).unlink()


PORT_OF = {"chat": 0, "code": 1, "util": 2}


class OperatorProcess:
    """An operator, its home, its state and its model store, all below one folder of /tmp.

    ``start`` and ``kill`` may follow each other; the folder stays until ``close``.
    """

    def __init__(self, machine: Machine, settings: dict[str, Any] | None = None) -> None:
        self.machine = machine
        self.podman_url = machine.url
        self.wrapper: list[str] = []
        """Words before those of ``run``: it runs inside of what they start."""
        self.folder = Path(tempfile.mkdtemp(prefix="hal0-e2e-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.store = self.folder / "models"
        self.store.mkdir()
        (self.store / "m.gguf").touch()
        self.state = self.folder / "state"
        self.config = self.folder / "config.toml"
        self.configure(**(settings or {}))
        self.home = Home(self.folder / "home", machine.ports[:50])
        self.listen = f"127.0.0.1:{machine.ports[OPERATOR]}"
        self.socket = self.state / "operator.sock"
        self.log = self.folder / "operator.log"
        self._process: subprocess.Popen[bytes] | None = None

    # ── the process ───────────────────────────────────────────────────────────────────────────

    def configure(self, **tables: Any) -> None:
        """Write the settings: the short ones, with ``tables`` merged over them; read at ``start``."""
        merged = dict(SETTINGS)
        for name, value in tables.items():
            merged[name] = SETTINGS.get(name, {}) | value if isinstance(value, dict) else value
        self.config.write_text(tomli_w.dumps(merged))

    @property
    def options(self) -> list[str]:
        podman = [f"--podman-url={self.podman_url}"] if self.podman_url else []
        return [
            f"--home={self.home.path}",
            f"--state-dir={self.state}",
            f"--config={self.config}",
            f"--model-store={self.store}",
            *podman,
        ]

    def hal0ctl(self, verb: str, *args: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a verb against this operator's home, state and Podman; any exit code."""
        words = [HAL0CTL, verb, *args, *self.options]
        return subprocess.run(words, capture_output=True, text=True, input=stdin, check=False, timeout=60)

    def start(self, **environ: str) -> None:
        """Return when the operator answers on its socket."""
        with self.log.open("ab") as log:
            # it ends with the tests, however these end
            words = [
                "setpriv",
                "--pdeathsig",
                "TERM",
                *self.wrapper,
                HAL0CTL,
                "run",
                f"--listen={self.listen}",
                *self.options,
            ]
            settings = dict(os.environ) | environ
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=settings)
        self.state.mkdir(exist_ok=True)
        for _ in watchfiles.watch(self.state, step=10, rust_timeout=50, yield_on_timeout=True):
            if self._process.poll() is not None:
                raise AssertionError(f"the operator ended with {self._process.returncode}:\n{self.said()}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.get("/healthz")
                return

    def kill(self) -> None:
        """SIGKILL: the operator has no chance to say goodbye."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=30)

    @property
    def pid(self) -> int:
        return self._process.pid

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def end(self) -> None:
        """Stop it, where it runs, and remove its folder; its containers stay."""
        if self._process is not None and self._process.poll() is None:
            self.stop()
        shutil.rmtree(self.folder)

    def close(self) -> None:
        self.end()
        self.machine.wipe()

    # ── what the operator says ────────────────────────────────────────────────────────────────

    def get(self, path: str) -> Any:
        """JSON from the operator's socket file; other texts as they are."""
        with contextlib.closing(Connection(self.socket, 10)) as connection:
            connection.request("GET", path)
            body = connection.getresponse().read()
        try:
            return json.loads(body)
        except ValueError:
            return body.decode()

    def post(self, path: str, body: Any = None) -> int:
        """The status of a wish over the operator's socket file."""
        with contextlib.closing(Connection(self.socket, 10)) as connection:
            connection.request("POST", path, json.dumps(body or {}), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            return answer.status

    def slots(self) -> Slots:
        return {item["name"]: item for item in self.get("/api/slots")["items"]}

    def until(self, reached: Callable[[Slots], object], seconds: float = 45) -> Slots:
        """The slots as soon as ``reached`` holds of them; fails with what they were after ``seconds``."""
        end, slots = time.monotonic() + seconds, {}
        with contextlib.closing(Connection(self.socket, seconds)) as connection:
            connection.request("GET", "/api/watch", headers={"Accept": "text/event-stream"})
            response = connection.getresponse()
            try:
                for event, body in events(response):
                    if event:
                        slots = _follow(slots, event, body)
                        if reached(slots):
                            return slots
                    left = end - time.monotonic()
                    if left <= 0:
                        break
                    connection.sock.settimeout(left)
            except TimeoutError:
                pass
        shown = json.dumps(slots, indent=1)
        raise AssertionError(f"not reached within {seconds:g} s\n{shown}\n{self.said()}")

    def until_phase(self, slot: str, phase: str, seconds: float = 45) -> dict[str, Any]:
        """The slot as soon as it has this phase and acts on its newest file."""
        return self.until(lambda slots: slot in slots and _has(slots[slot], phase), seconds)[slot]

    def until_condition(self, slot: str, type: str, status: str = "True", seconds: float = 45) -> dict[str, Any]:
        """The condition as soon as the slot has it with this status."""
        slots = self.until(
            lambda slots: slot in slots and _condition(slots[slot], type).get("status") == status, seconds
        )
        return _condition(slots[slot], type)

    def until_gone(self, slot: str, seconds: float = 45) -> None:
        self.until(lambda slots: slot not in slots, seconds)

    # ── what Podman says ──────────────────────────────────────────────────────────────────────

    def containers(self) -> dict[str, dict[str, Any]]:
        """Every container of this Podman by name, as ``podman ps --all`` gives it."""
        rows = json.loads(self.machine.podman("ps", "--all", "--no-trunc", "--format", "json") or "[]")
        return {row["Names"][0]: row for row in rows or ()}

    def cids(self) -> dict[str, str]:
        """Name to id of every container."""
        return {name: row["Id"] for name, row in self.containers().items()}

    def cid(self, slot: str) -> str:
        return self.cids()[f"hal0-{slot}"]

    def container_pid(self, slot: str) -> int:
        return int(self.containers()[f"hal0-{slot}"]["Pid"])

    # ── what the stub says ────────────────────────────────────────────────────────────────────

    def stub(self, slot: str, **settings: Any) -> dict[str, Any]:
        """Tell the stub behind this slot's port to behave so; its report."""
        return self.stub_at(self.slots()[slot]["port"], **settings)

    def stub_at(self, port: int, **settings: Any) -> dict[str, Any]:
        data = json.dumps(settings).encode() if settings else None
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ctl", data=data, timeout=30) as answer:
            return json.load(answer)


def _follow(slots: Slots, event: str, body: Any) -> Slots:
    if event == "slots":
        return {item["name"]: item for item in body["items"]}
    if event == "gone":
        return {name: item for name, item in slots.items() if name != body["name"]}
    return slots | {body["name"]: body}


def _has(slot: dict[str, Any], phase: str) -> bool:
    """A slot that is off or idle has the phase once its container is gone."""
    leaving = phase in ("Off", "Idle") and _condition(slot, "Reconciling")["status"] == "True"
    return slot["phase"] == phase and slot["generation"] == slot["observedGeneration"] and not leaving


def _condition(slot: dict[str, Any], type: str) -> dict[str, Any]:
    return next((one for one in slot["conditions"] if one["type"] == type), {})


def alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False
