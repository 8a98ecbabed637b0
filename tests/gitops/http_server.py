"""git's own ``http-backend`` behind a small HTTP server, with a token, and with faults on demand."""

import base64
import os
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.gitops.remotes import ENV


class HttpRemote:
    """Serves the repositories below a folder; a context.

    ``token``: what a client must bring as its password.  ``status``: answered to everything instead.  ``redirect``:
    where everybody is sent.  ``certificate``: a file with it and its key, for https.  ``held``: a pack is only sent once it is set; ``reached`` is set before.
    """

    def __init__(self, folder: Path, token: str = "", certificate: Path | None = None) -> None:
        self.folder, self.token = folder, token
        self.status, self.redirect = 0, ""
        self.held, self.reached = threading.Event(), threading.Event()
        self.held.set()
        self.requests: list[tuple[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self._server.handle_error = lambda *_: None  # type: ignore[method-assign] # a client that goes away again
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.port}/remote.git"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> "HttpRemote":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.held.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def lets_in(self, header: str) -> bool:
        if not self.token:
            return True
        _, _, basic = header.partition("Basic ")
        return base64.b64decode(basic or "").decode().partition(":")[2] == self.token


def _handler(remote: HttpRemote) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Quiet."""

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            remote.requests.append((self.path, self.headers.get("Authorization", "")))
            if remote.redirect:
                self._say(302, {"Location": remote.redirect + self.path})
            elif remote.status:
                self._say(remote.status)
            elif not remote.lets_in(self.headers.get("Authorization", "")):
                self._say(401, {"WWW-Authenticate": 'Basic realm="git"'})
            else:
                if b"command=fetch" in body:
                    remote.reached.set()
                    remote.held.wait(30)
                self._backend(body)

        def _backend(self, body: bytes) -> None:
            path, _, query = self.path.partition("?")
            env = ENV | {
                "GIT_PROJECT_ROOT": str(remote.folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "REMOTE_ADDR": "127.0.0.1",
            }
            done = subprocess.run(["git", "http-backend"], env=env, input=body, capture_output=True, check=False)
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            fields = dict(line.decode().split(": ", 1) for line in head.split(b"\r\n"))
            self._say(int(fields.pop("Status", "200").split()[0]), fields, content)

        def _say(self, status: int, fields: dict[str, str] | None = None, content: bytes = b"") -> None:
            try:
                self.send_response(status)
                for name, value in ((fields or {}) | {"Content-Length": str(len(content))}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                pass  # the client was killed

    return Handler


def counting_git(folder: Path) -> tuple[str, Path]:
    """A PATH whose ``git`` notes each of its starts as a line of a file, and that file."""
    log = folder / "started"
    log.touch()
    real = subprocess.run(["sh", "-c", "command -v git"], capture_output=True, text=True, check=True).stdout.strip()
    (folder / "bin").mkdir()
    wrapper = folder / "bin/git"
    wrapper.write_text(f'#!/bin/sh\necho "$1" >> {log}\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    return f"{folder / 'bin'}:{os.environ['PATH']}", log
