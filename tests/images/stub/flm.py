"""Simulator of FastFlowLM: ``serve TAG --host H --port P --ctx-len N [--embed 1] [--asr 1]``.

Like the real one it has no ``/health``, lists its whole installed catalogue whatever is loaded,
and switches the loaded model when a request names another.  One chat model does not start with speech beside it.
"""

import json
import re
import sys

import server

DEAF = "gemma4-it:e2b"
CATALOGUE = ["llama3.2:1b", "qwen3:4b", "gemma3:4b", DEAF, "whisper-v3:turbo", "embed-gemma:300m"]


class Flm(server.Handler):
    def route(self, path: str, body: bytes) -> None:
        settings, tag = server.STATE.settings, sys.argv[2]
        if path == "/v1/models":
            names = [*CATALOGUE, *([] if tag in CATALOGUE else [tag])] if self.is_ready() else []
            self.answer(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in names]})
        elif path == "/v1/chat/completions":
            self.generate(body, tag)
        elif path == "/v1/embeddings":
            if server.flag("--embed") != "1":
                self.error(404, "embedding model is not loaded")
            elif settings.embeddings != 200:
                self.error(settings.embeddings, "told to fail")
            else:
                server.STATE.models_asked.append(str(json.loads(body).get("model", "")))
                item = {"index": 0, "object": "embedding", "embedding": [0.1, 0.2]}
                self.answer(200, {"object": "list", "data": [item], "model": tag})
        elif path == "/v1/audio/transcriptions":
            if server.flag("--asr") != "1":
                self.error(404, "speech model is not loaded")
            elif settings.transcription != 200:
                self.error(settings.transcription, "told to fail")
            else:
                named = re.search(rb'name="model"\r\n\r\n([^\r]*)\r\n', body)
                server.STATE.models_asked.append(named[1].decode() if named else "")
                self.answer(200, {"text": f"{len(body)} bytes heard"})
        else:
            self.error(404, "not found")


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] != "serve":
        print("usage: flm serve TAG [--host H] [--port P] [--ctx-len N] [--embed 1] [--asr 1]", file=sys.stderr)
        raise SystemExit(2)
    if sys.argv[2] == DEAF and server.flag("--asr") == "1":
        server.say("[XRT] ERROR: DRM_IOCTL_AMDXDNA_CREATE_HWCTX IOCTL failed (err=-22)", sys.stderr)
        raise SystemExit(1)
    server.serve(Flm, 8086)
