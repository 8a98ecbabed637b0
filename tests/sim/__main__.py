"""Random runs of the simulator: ``python -m tests.sim --seed 0 --runs 500``.

A seed that finds something is printed with the journal of its run, and can be played again alone.
"""

import argparse
import itertools
import sys
import time

from tests.sim.coverage import Coverage, counted
from tests.sim.play import Failed, play


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--runs", type=int, default=500, help="how many seeds from there")
    parser.add_argument("--home", choices=("folder", "git", "both"), default="both", help="where the home comes from")
    given = parser.parse_args()
    sources = {"folder": (False,), "git": (True,), "both": (False, True)}[given.home]
    coverage, failed, begun = Coverage(), 0, time.process_time()
    with counted(coverage):
        for seed in range(given.seed, given.seed + given.runs):
            for git, hints in itertools.product(sources, (True, False) if seed % 3 == 0 else (True,)):
                try:
                    play(seed, hints=hints, coverage=coverage, git=git)
                except Failed as broken:
                    failed += 1
                    print(broken, file=sys.stderr)
    print(coverage.table())
    print(f"{given.runs} seeds from {given.seed}, {failed} failed, {time.process_time() - begun:.0f} s of CPU")
    if given.runs >= 100 and (missing := coverage.missing()):
        print(f"never reached: {', '.join(missing)}", file=sys.stderr)
        return 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
