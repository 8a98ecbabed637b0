"""A container registry that serves one small image over HTTP, for real pulls without a network."""

import contextlib
import gzip
import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class Registry:
    """``image`` is its reference; ``digest`` that of the manifest.  A blob is sent once ``gate`` is set."""

    def __init__(self, port: int, root_file_system: Path, entrypoint: Sequence[str] = ("/bin/sh", "-c")) -> None:
        tar = root_file_system.read_bytes()
        layer = gzip.compress(tar, 1, mtime=0)
        diff_ids = [_digest(tar)]
        config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
        config_blob = json.dumps(config | {"config": {"Entrypoint": list(entrypoint)}}).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": _digest(config_blob), "size": len(config_blob)},
            "layers": [{"mediaType": LAYER, "digest": _digest(layer), "size": len(layer)}],
        }
        self.manifest = json.dumps(manifest).encode()
        self.blobs = {_digest(blob): blob for blob in (config_blob, layer)}
        self.image = f"localhost:{port}/hal0/pulled:1"
        self.digest = _digest(self.manifest)
        self.id = _digest(config_blob).removeprefix("sha256:")
        self.port = port
        self.gate = threading.Event()
        self.gate.set()
        self.waiting = threading.Event()
        """Set when a blob was asked for and is held back."""

    def blob(self, digest: str) -> bytes | None:
        blob = self.blobs.get(digest)
        if blob is not None and not self.gate.is_set():
            self.waiting.set()
            self.gate.wait(30)
        return blob


@contextlib.contextmanager
def serving(registry: Registry) -> Iterator[Registry]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, _, name = self.path.rpartition("/")
            found: bytes | None = None
            if self.path == "/v2/":
                found = b"{}"
            elif kind == "/v2/hal0/pulled/manifests" and name in ("1", registry.digest):
                found = registry.manifest
            elif kind == "/v2/hal0/pulled/blobs":
                found = registry.blob(name)
            self.send_response(404 if found is None else 200)
            body = found or b"{}"
            self.send_header("Content-Type", MANIFEST if "manifests" in kind else "application/octet-stream")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Docker-Content-Digest", registry.digest)
            self.end_headers()
            if self.command == "GET":
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", registry.port), Handler) as server:
        runner = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        runner.start()
        try:
            yield registry
        finally:
            registry.gate.set()
            server.shutdown()
            runner.join()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
