"""Simulator of ComfyUI's ``main.py``: ``--listen 0.0.0.0 --port P FLAGS``."""

import platform
import sys

sys.path.insert(0, "/opt/stub")
import server  # found there, wherever this file is put


class ComfyUi(server.Handler):
    def route(self, path: str, body: bytes) -> None:
        if path == "/system_stats":
            if self.is_ready():
                self.answer(
                    200, {"system": {"python_version": platform.python_version(), "argv": sys.argv}, "devices": []}
                )
            else:
                self.error(503, "starting")
        elif path == "/queue":
            self.answer(200, {"queue_running": [], "queue_pending": []})
        else:
            self.error(404, "not found")


if __name__ == "__main__":
    server.serve(ComfyUi, 8188)
