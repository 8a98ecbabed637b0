"""llama-server's flags around llama.cpp's own HTTP server, as the xllamacpp wheel carries it.

Stands in for the ``llama-server`` binary on a machine that has a CPU only: flags that choose a
GPU, a cache type or a way to load are accepted and change nothing; an unknown one ends the
program as llama.cpp ends it.
"""

import os
import signal
import sys
import threading

SHORT = {
    "-m": "--model",
    "-c": "--ctx-size",
    "-a": "--alias",
    "-b": "--batch-size",
    "-ub": "--ubatch-size",
    "-np": "--parallel",
    "-t": "--threads",
    "-tb": "--threads-batch",
    "-fa": "--flash-attn",
    "-ctk": "--cache-type-k",
    "-ctv": "--cache-type-v",
    "-ngl": "--n-gpu-layers",
    "--gpu-layers": "--n-gpu-layers",
    "-n": "--predict",
    "--n-predict": "--predict",
    "-cb": "--cont-batching",
    "-v": "--verbose",
    "--embeddings": "--embedding",
    "--rerank": "--reranking",
}
SWITCHES = {
    "--no-mmap",
    "--mmap",
    "--mlock",
    "--jinja",
    "--no-jinja",
    "--embedding",
    "--reranking",
    "--metrics",
    "--no-webui",
    "--cont-batching",
    "--no-cont-batching",
    "--no-warmup",
    "--slots",
    "--no-slots",
    "--verbose",
    "--swa-full",
    "--no-kv-offload",
    "--kv-unified",
}
VALUES = {
    "--model",
    "--host",
    "--port",
    "--alias",
    "--ctx-size",
    "--batch-size",
    "--ubatch-size",
    "--parallel",
    "--threads",
    "--threads-batch",
    "--flash-attn",
    "--cache-type-k",
    "--cache-type-v",
    "--n-gpu-layers",
    "--predict",
    "--temp",
    "--top-k",
    "--top-p",
    "--min-p",
    "--seed",
    "--mmproj",
    "--device",
    "--cache-reuse",
    "--reasoning-format",
    "--chat-template",
    "--pooling",
    "--timeout",
    "--threads-http",
}


def fail(message: str) -> None:
    print(f"error: {message}", file=sys.stderr, flush=True)
    raise SystemExit(1)


def parse(argv: list[str]) -> dict[str, str]:
    """Flags by their long names; the last of a kind wins, as in llama.cpp."""
    found: dict[str, str] = {}
    rest = iter(argv)
    for token in rest:
        flag = SHORT.get(token, token)
        if flag in SWITCHES:
            found[flag] = "on"
        elif flag in VALUES or flag.startswith("--spec-"):
            value = next(rest, None)
            if value is None:
                fail(f"expected value for argument: {token}")
            found[flag] = str(value)
        else:
            fail(f"invalid argument: {token}")
    return found


def number(flags: dict[str, str], name: str, default: int) -> int:
    text = flags.get(name, str(default))
    if not text.lstrip("-").isdigit():
        fail(f"invalid value for argument {name}: {text}")
    return int(text)


def main() -> None:
    flags = parse(sys.argv[1:])
    stop = threading.Event()
    for kind in (signal.SIGTERM, signal.SIGINT):
        signal.signal(kind, lambda *_: stop.set())
    path = flags.get("--model", "")
    if not os.path.exists(path):
        fail(f"failed to load model, '{path}' does not exist")

    import xllamacpp as x  # takes 100 ms: flags and paths are checked before

    params = x.CommonParams()
    params.model.path = path
    params.hostnames = [flags.get("--host", "127.0.0.1")]
    params.port = number(flags, "--port", 8080)
    params.n_ctx = number(flags, "--ctx-size", 4096)
    params.n_parallel = number(flags, "--parallel", 1)
    params.n_batch = number(flags, "--batch-size", params.n_batch)
    params.n_ubatch = number(flags, "--ubatch-size", params.n_ubatch)
    params.cpuparams.n_threads = min(number(flags, "--threads", 2), os.cpu_count() or 1)
    params.cpuparams_batch.n_threads = params.cpuparams.n_threads
    params.n_gpu_layers = 0
    params.warmup = "--no-warmup" not in flags
    params.endpoint_metrics = True
    if "--alias" in flags:
        params.model_alias = {flags["--alias"]}
    if "--embedding" in flags or "--reranking" in flags:
        params.embedding = True
        pooling = x.llama_pooling_type
        reranks = "--reranking" in flags
        params.pooling_type = pooling.LLAMA_POOLING_TYPE_RANK if reranks else pooling.LLAMA_POOLING_TYPE_MEAN
    try:
        server = x.Server(params)
    except RuntimeError as error:
        fail(f"{path}: {error}")
    print(f"server is listening on {server.listening_address}", flush=True)
    stop.wait()
    print("SIGTERM: exiting", flush=True)
    os._exit(0)  # a generation in flight does not hold up the end


if __name__ == "__main__":
    main()
