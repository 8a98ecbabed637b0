"""Stub of llama-server: any flag is accepted."""

import json
import sys
from pathlib import PurePath

import server


class Llama(server.Handler):
    def route(self, path: str, body: bytes) -> None:
        settings = server.STATE.settings
        model = server.flag("--alias") or PurePath(server.flag("--model", "stub")).stem
        loading = not self.is_ready()
        if path == "/health":
            if loading:
                self.error(503, "Loading model")
            else:
                self.answer(settings.health, {"status": "ok" if settings.health == 200 else "error"})
        elif path in {"/v1/models", "/models"}:
            self.answer(200, {"object": "list", "data": [{"id": model, "object": "model"}]})
        elif loading:
            self.error(503, "Loading model")
        elif path in {"/v1/chat/completions", "/v1/completions"}:
            self.generate(body, model)
        elif path == "/v1/embeddings":
            self.embed(body, model)
        elif path in {"/v1/rerank", "/rerank"}:
            self.rerank(body, model)
        else:
            self.error(404, "File Not Found")

    def embed(self, body: bytes, model: str) -> None:
        if not {"--embedding", "--embeddings"} & set(sys.argv):
            self.error(501, "This server does not support embeddings. Start it with `--embeddings`")
            return
        asked = json.loads(body)["input"]
        texts = asked if isinstance(asked, list) else [asked]
        data = [
            {"index": n, "object": "embedding", "embedding": [float(len(text)), 1.0]} for n, text in enumerate(texts)
        ]
        self.answer(server.STATE.settings.embeddings, {"object": "list", "model": model, "data": data})

    def rerank(self, body: bytes, model: str) -> None:
        if not {"--reranking", "--rerank"} & set(sys.argv):
            self.error(501, "This server does not support reranking. Start it with `--reranking`")
            return
        documents = json.loads(body)["documents"]
        results = [{"index": n, "relevance_score": 1.0 / (n + 1)} for n, _ in enumerate(documents)]
        self.answer(200, {"model": model, "results": results})


if __name__ == "__main__":
    server.serve(Llama)
