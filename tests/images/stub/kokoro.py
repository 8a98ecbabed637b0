"""Simulator of Kokoro: healthy at once, but speaks only when its model is loaded (``model_loaded``)."""

import server


class Kokoro(server.Handler):
    def route(self, path: str, body: bytes) -> None:
        if path == "/health":
            self.answer(server.STATE.settings.health, {"status": "healthy", "model_loaded": self.is_ready()})
        elif path == "/v1/audio/speech":
            if self.is_ready():
                self.answer(200, b"RIFF\x24\x00\x00\x00WAVE" + bytes(32), "audio/wav")
            else:
                self.error(503, "model is loading")
        elif path == "/v1/audio/voices":
            self.answer(200, {"voices": ["af_heart", "bm_george"]})
        else:
            self.error(404, "not found")


if __name__ == "__main__":
    server.serve(Kokoro, 8084)
