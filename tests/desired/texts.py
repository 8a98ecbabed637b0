"""Files of a home from texts, decoded."""

from pathlib import Path

from hal0_operator.desired.assemble import assemble
from hal0_operator.desired.profiles_file import parse_seeds
from hal0_operator.desired.source import HomeFiles, SourceFile
from hal0_operator.model.problem import Problem
from hal0_operator.model.slot import DeclaredSlot
from hal0_operator.model.snapshot import Snapshot

CHECKOUT = Path(__file__).parents[2]
SEEDS = parse_seeds((CHECKOUT / "seeds" / "profiles.toml").read_bytes())

GOOD = """\
# a normal slot
name = "chat"
type = "llm"
device = "gpu-vulkan"
backend = "vulkan"
runtime = "container"
profile = "vulkan"
enabled = true
port = 8081
idle_timeout_s = 900
workers = 1

[model]
default = "größe-4b.gguf"
context_size = 65536
n_gpu_layers = 99

[server]
extra_args = "--jinja --temp 0.7"

[server.env]
A = "1"
B = { secret = "hal0-b" }

[operator]
load = "on-demand"
ready_timeout_s = 120
"""


def source(file: str, content: str | bytes) -> SourceFile:
    return SourceFile(file, content.encode() if isinstance(content, str) else content)


def home(files: dict[str, str | bytes]) -> HomeFiles:
    return HomeFiles({file: source(file, content) for file, content in files.items()})


def snapshot(files: dict[str, str | bytes]) -> Snapshot:
    return assemble(home(files), SEEDS)[0]


def chat(content: str | bytes) -> DeclaredSlot:
    """The one slot of ``slots/chat.toml``, which must be faultless."""
    taken = snapshot({"slots/chat.toml": content})
    assert taken.problems == ()
    return taken.slots["chat"]


def the_problem(content: str | bytes, file: str = "slots/chat.toml") -> Problem:
    """The only problem of a file."""
    (problem,) = snapshot({file: content}).problems
    return problem


def place(problem: Problem) -> tuple[int, int]:
    assert problem.at is not None
    return problem.at.line, problem.at.column
