"""``hal0ctl init``: a commented starter home; what is there already stays as it is."""

import argparse
import os

from hal0_operator.cli.options import Failed, Paths
from hal0_operator.cli.output import write_line

CHAT = """\
# A slot: one model with its own endpoint.  The file's name is the slot's name.

type = "llm"            # llm, embedding, reranking, transcription, tts or image
device = "gpu-rocm"     # gpu-rocm, gpu-vulkan, cpu or npu
# profile = "rocm"      # how it runs; without it: the default profile of the device
# port = 8081           # without it: the lowest free port from 8081
enabled = true

[model]
# A file of the model store: its path, or just its name without .gguf.
# Until one is named here, the slot is Off and nothing is started.
# default = "some-model-q4_k_m"
context_size = 8192
"""

PROFILES = """\
# Profiles: how slots run.  The shipped ones are always there and never change:
#   hal0ctl get profiles
# An entry here adds one of your own, under a new name.

# [profile.my-rocm]
# image = "ghcr.io/hal0ai/amd-strix-halo-toolboxes:rocm-7.2.4-rocmfp4-server"
# flags = "-fa on -ctk q8_0 -ctv q8_0 -b 1024 -ub 512 --no-mmap"
# device_class = "gpu"
# backend = "rocm"
# cloned_from = "rocm"

# [profile.my-cpu]
# image = "localhost/llama-server:latest"
# device_class = "cpu"
"""

IGNORE = """\
# The operator's own lock; everything else here belongs into version control.
/.hal0/
"""

FILES = {"slots/chat.toml": CHAT, "profiles.toml": PROFILES, ".gitignore": IGNORE}


def arguments(parser: argparse.ArgumentParser) -> None:
    del parser  # the home is all that it needs


def run(args: argparse.Namespace, paths: Paths) -> int:
    del args
    os.makedirs(os.path.join(paths.home, "slots"), exist_ok=True)
    fresh = not any(name.endswith(".toml") for name in os.listdir(os.path.join(paths.home, "slots")))
    for name, content in FILES.items():
        if name.startswith("slots/") and not fresh:
            write_line(f"kept     {paths.home}/slots: it has slots already")
        else:
            _write(os.path.join(paths.home, name), content)
    option = f" --home {paths.home}" if paths.home_named else ""
    write_line(f"next:    name a model in {paths.home}/slots/chat.toml, then")
    write_line(f"           hal0ctl validate{option}    checks it")
    write_line(f"           hal0ctl plan{option}        shows what would be done")
    write_line(f"           hal0ctl run{option}         does it, and keeps it so")
    return 0


def _write(path: str, content: str) -> None:
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(content)
    except FileExistsError:
        write_line(f"kept     {path}: it is there already")
    except OSError as fault:
        raise Failed(f"{path}: {fault.strerror}") from fault
    else:
        write_line(f"written  {path}")
