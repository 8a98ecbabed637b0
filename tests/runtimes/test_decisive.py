"""The decisive line of a dead process, and the flag that it names."""

import pytest

from hal0_operator.runtimes.decisive import LIMIT, blame, decisive_line

LLAMA_ARGUMENT = (
    "load_backend: loaded CPU backend from /app/libggml-cpu.so",
    "error: invalid argument: --no-mmap",
)
LLAMA_LOAD = (
    "build: 6000 (abc) with cc",
    "llama_model_load: error loading model: tensor 'blk.3.ffn_up.weight' data is not within the file bounds",
    "llama_model_load_from_file_impl: failed to load model",
    "srv    load_model: failed to load model, '/store/m.gguf'",
    "main: exiting due to model loading error",
)
LLAMA_MEMORY = (
    "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 9000.00 MiB on device 0: cudaMalloc failed: out of memory",
    "alloc_tensor_range: failed to allocate ROCm0 buffer of size 9437184000",
    "llama_init_from_model: failed to initialize the context: error",
)
PYTHON = (
    "INFO: starting",
    "Traceback (most recent call last):",
    '  File "/app/server.py", line 3, in <module>',
    "    load()",
    "FileNotFoundError: [Errno 2] No such file or directory: '/models/kokoro.onnx'",
)
CHAINED = (
    *PYTHON,
    "",
    "During handling of the above exception, another exception occurred:",
    "",
    "Traceback (most recent call last):",
    '  File "/app/server.py", line 9, in <module>',
    "RuntimeError: no voice is usable",
)
FLM = (
    "[FLM] Loading model",
    "terminate called after throwing an instance of 'xrt_core::system_error'",
    "what():  DRM_IOCTL_AMDXDNA_CREATE_HWCTX IOCTL failed (err=-22): Invalid argument",
)
ARGPARSE = ("usage: main.py [-h] [--listen [IP]]", "main.py: error: unrecognized arguments: --cache-nnone")


@pytest.mark.parametrize(
    ("lines", "decisive"),
    [
        (LLAMA_ARGUMENT, "error: invalid argument: --no-mmap"),
        (LLAMA_LOAD, LLAMA_LOAD[1]),
        (LLAMA_MEMORY, LLAMA_MEMORY[1]),
        (PYTHON, PYTHON[-1]),
        (CHAINED, "RuntimeError: no voice is usable"),
        (FLM, "what(): DRM_IOCTL_AMDXDNA_CREATE_HWCTX IOCTL failed (err=-22): Invalid argument"),
        (ARGPARSE, ARGPARSE[1]),
        (("error: unknown argument: --mmap; try --help", "bye"), "error: unknown argument: --mmap; try --help"),
        (("compiled with 0 errors", "listening"), "listening"),
    ],
)
def test_the_cause_is_picked_not_the_line_that_reports_it(lines: tuple[str, ...], decisive: str) -> None:
    assert decisive_line(lines, 1) == decisive


def test_without_a_telling_line_the_exit_code_speaks() -> None:
    assert (
        decisive_line(("slots are idle",), 137)
        == "SIGKILL: killed, by hand or for want of memory; last line: slots are idle"
    )
    assert decisive_line((), 139) == "SIGSEGV: it crashed"
    assert decisive_line(("  ", ""), 1) == ""


def test_control_and_direction_characters_never_reach_a_terminal() -> None:
    line = "\x1b[31merror\x1b[0m: \x07bad\u202e file\x00 \x9b31m\x1b]0;title\x07end\r"
    assert decisive_line((line,), 1) == "error: bad file 31mend"


def test_the_line_is_bounded_and_secrets_are_masked_before_it_is_cut() -> None:
    secret = "hunter2-" * 10
    line = decisive_line(("error: " + "x" * (LIMIT - 20) + secret,), 1, (secret,))
    assert len(line) <= LIMIT
    assert "hunter2" not in line


def test_a_secret_of_several_lines_is_masked_line_by_line() -> None:
    assert decisive_line(("error: key is part-two!",), 1, ("part-one!\npart-two!\n",)) == "error: key is ********"


ARGV = (
    ("--model /store/m.gguf", "slot"),
    ("-fa on", "profile stub"),
    ("--no-mmap", "profile stub"),
    ("-ctk q8_0", "slot extra_args"),
)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("error: invalid argument: --no-mmap", "--no-mmap, from profile stub"),
        ("error: unknown value for --flash-attn: 'on'", "-fa, from profile stub"),
        ("invalid argument '--cache-type-k'", "-ctk, from slot extra_args"),
        ("failed to load model, '/store/m.gguf'", "--model /store/m.gguf, from slot"),
        ("error: out of memory, sorry about the on-board chip", None),
        ("unknown argument: --elsewhere", None),
    ],
)
def test_the_flag_that_a_line_names_is_found_in_any_spelling(line: str, names: str | None) -> None:
    assert blame(line, ARGV) == names
