"""What is kept of a container that ended."""

from hal0_operator.model.facts import HostFacts, ModelFile
from hal0_operator.model.launch import LaunchInputs
from hal0_operator.model.memory import LastExit
from hal0_operator.runtimes.exits import last_exit

INPUTS = LaunchInputs(
    slot="chat",
    family="llama-server",
    type="llm",
    device="cpu",
    image="localhost/stub:2",
    port=8101,
    flags=("--no-mmap",),
    model="m.gguf",
    env={"SOME_KEY": "canary-literal"},
)
FACTS = HostFacts(model=ModelFile("/store/m.gguf"), secrets={"/etc/x": "canary-file\n"})


def test_the_line_names_the_flag_and_its_provenance() -> None:
    exit = last_exit(LastExit("id", 1, lines=("start", "error: invalid argument: --no-mmap")), INPUTS, FACTS, "stub")
    assert exit.line == "error: invalid argument: --no-mmap (--no-mmap, from profile stub)"
    assert (exit.container, exit.exit_code) == ("id", 1)


def test_a_process_that_prints_its_environment_gives_no_secret_away() -> None:
    lines = ("SOME_KEY=canary-literal", "error: OTHER=canary-file")
    exit = last_exit(LastExit("id", 1, lines=lines), INPUTS, FACTS)
    assert "canary" not in repr(exit)
    assert exit.lines == ("SOME_KEY=********", "error: OTHER=********")


def test_nothing_need_be_known_of_the_container() -> None:
    assert last_exit(LastExit("id", 1, lines=("error: x",)), None) == LastExit("id", 1, "error: x", ("error: x",))
