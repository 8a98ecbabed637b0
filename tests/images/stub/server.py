"""A small HTTP server that behaves as it is told: the base of the stub and of the simulators.

Settings come from the environment (``STUB_READY_AFTER=2``) and, at run time, from ``POST /_ctl``
with a JSON object; ``GET /_ctl`` reports them with argv, requests in flight and requests that the client gave up.
"""

import dataclasses
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STARTED = time.monotonic()


@dataclasses.dataclass
class Settings:
    """Seconds unless named otherwise; a zero or an empty text switches off."""

    listen_after: float = 0  # no socket before
    ready_after: float = 0  # health answers 503 before
    health: int = 200  # what it answers then
    hang: str = ""  # a path that is accepted and never answered
    exit_after: float = -1  # from the start, or from the call that sets it
    exit_code: int = 1
    tell: int = 0  # the environment is printed when it ends
    reject_flag: str = ""  # a flag that ends the program as an unknown one
    chat: int = 200  # status of generations
    embeddings: int = 200
    transcription: int = 200
    first_byte_ms: int = 0
    chunks: int = 3
    chunk_ms: int = 0
    die_after_chunks: int = 0
    max_aborts: int = 0  # that many requests given up end the program, exit code 134
    ignore_term: int = 0


@dataclasses.dataclass
class State:
    settings: Settings = dataclasses.field(default_factory=Settings)
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)
    in_flight: int = 0
    aborted: int = 0
    requests: dict[str, int] = dataclasses.field(default_factory=dict)
    models_asked: list[str] = dataclasses.field(default_factory=list)
    timer: threading.Timer | None = None

    def apply(self, values: dict) -> None:
        for field in dataclasses.fields(Settings):
            if field.name in values:
                setattr(self.settings, field.name, field.type(values[field.name]))
        if "exit_after" in values and self.settings.exit_after >= 0:
            if self.timer:
                self.timer.cancel()
            self.timer = threading.Timer(self.settings.exit_after, lambda: leave(self.settings.exit_code))
            self.timer.daemon = True
            self.timer.start()

    def report(self) -> dict:
        return {
            "argv": sys.argv[1:],
            "in_flight": self.in_flight,
            "aborted": self.aborted,
            "requests": self.requests,
            "models_asked": self.models_asked,
            "settings": dataclasses.asdict(self.settings),
            "uptime": time.monotonic() - STARTED,
        }


STATE = State()


def say(line: str, stream) -> None:
    """In one write: Podman 4.3 mixes up the parts of lines."""
    stream.write(f"{line}\n")
    stream.flush()


def leave(code: int) -> None:
    if STATE.settings.tell:
        say("\n".join(f"{name}={value}" for name, value in os.environ.items()), sys.stderr)
    say(f"exit {code}", sys.stderr)
    os._exit(code)


def flag(name: str, default: str = "") -> str:
    """The value after the last ``name`` in argv; ``--name=value`` counts too."""
    found = default
    for index, token in enumerate(sys.argv):
        if token == name and index + 1 < len(sys.argv):
            found = sys.argv[index + 1]
        elif token.startswith(f"{name}="):
            found = token.partition("=")[2]
    return found


class Handler(BaseHTTPRequestHandler):
    """Answers what all of them share; a simulator overrides ``route``."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing: a log line per probe would hide the lines that matter."""

    def do_GET(self) -> None:
        self.handle_request()

    def do_POST(self) -> None:
        self.handle_request()

    def handle_request(self) -> None:
        path = self.path.partition("?")[0]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if path == "/_ctl":
            if self.command == "POST":
                STATE.apply(json.loads(body or b"{}"))
            self.answer(200, STATE.report())
            return
        with STATE.lock:
            STATE.in_flight += 1
            STATE.requests[path] = STATE.requests.get(path, 0) + 1
        try:
            self.wait_while(lambda: STATE.settings.hang == path)
            self.route(path, body)
        except (ConnectionError, TimeoutError):
            self.close_connection = True
            with STATE.lock:
                STATE.aborted += 1
            if STATE.settings.max_aborts and STATE.aborted >= STATE.settings.max_aborts:
                leave(134)
        finally:
            with STATE.lock:
                STATE.in_flight -= 1

    def route(self, path: str, body: bytes) -> None:
        raise NotImplementedError

    # ── pieces ────────────────────────────────────────────────────────────────────────────────

    def is_ready(self) -> bool:
        return time.monotonic() - STARTED >= STATE.settings.ready_after

    def wait_while(self, busy, seconds: float = 1e9) -> None:
        """Until ``busy()`` is false or the time is over; raises when the client has gone."""
        end = time.monotonic() + seconds
        while busy() and (left := end - time.monotonic()) > 0:
            readable, _, _ = select.select([self.connection], [], [], min(left, 0.02))
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise ConnectionAbortedError

    def pause(self, milliseconds: int) -> None:
        self.wait_while(lambda: True, milliseconds / 1000)

    def answer(self, status: int, value: object, kind: str = "application/json") -> None:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def error(self, status: int, message: str) -> None:
        self.answer(status, {"error": {"code": status, "message": message, "type": "stub_error"}})

    def generate(self, body: bytes, model: str) -> None:
        """A chat answer, whole or as a stream of ``chunks``."""
        settings = STATE.settings
        asked = json.loads(body or b"{}")
        STATE.models_asked.append(str(asked.get("model", "")))
        self.pause(settings.first_byte_ms)
        if settings.chat != 200:
            self.error(settings.chat, "told to fail")
            return
        if not asked.get("stream"):
            for count in range(settings.chunks):
                self.step(count)
            text = " ".join(f"word{n}" for n in range(settings.chunks))
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            self.answer(200, {"object": "chat.completion", "model": model, "choices": [choice]})
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for count in range(settings.chunks):
            self.step(count)
            choice = {"index": 0, "delta": {"content": f"word{count} "}}
            self.chunk(f"data: {json.dumps({'object': 'chat.completion.chunk', 'choices': [choice]})}\n\n")
        self.chunk("data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def step(self, count: int) -> None:
        if STATE.settings.die_after_chunks and count >= STATE.settings.die_after_chunks:
            leave(139)
        self.pause(STATE.settings.chunk_ms)

    def chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """A client that went away is counted by the handler, not logged."""


def serve(handler: type[Handler], default_port: int = 8080) -> None:
    """Read the settings, listen, and answer until told to stop."""
    values = {name[5:].lower(): value for name, value in os.environ.items() if name.startswith("STUB_")}
    STATE.apply(values)
    signal.signal(signal.SIGTERM, lambda *_: None if STATE.settings.ignore_term else leave(0))
    rejected = STATE.settings.reject_flag
    if rejected and any(token.partition("=")[0] == rejected for token in sys.argv[1:]):
        say(f"error: invalid argument: {rejected}", sys.stderr)
        raise SystemExit(1)
    time.sleep(STATE.settings.listen_after)
    port = int(flag("--port", str(default_port)))
    say(f"listening on {port}", sys.stdout)
    Server(("0.0.0.0", port), handler).serve_forever()
