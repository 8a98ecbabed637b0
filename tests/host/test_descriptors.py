import resource
import subprocess
import sys

PROGRAM = """
import resource
from hal0_operator.host.descriptors import allow_many
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
allow_many()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def limits_after(soft: int, hard: int) -> tuple[int, int]:
    """In a process of its own, since a lowered hard limit stays."""
    program = [sys.executable, "-c", PROGRAM.format(soft=soft, hard=hard)]
    said = subprocess.run(program, capture_output=True, text=True, check=True).stdout.split()
    return int(said[0]), int(said[1])


def test_the_soft_limit_rises_to_the_hard_one_and_never_falls() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert limits_after(100, 2000) == (2000, 2000)
    assert limits_after(2000, 2000) == (2000, 2000)
    assert hard == resource.RLIM_INFINITY or limits_after(hard, hard) == (hard, hard)
