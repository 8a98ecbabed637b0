"""``hal0ctl schema``: the JSON Schema of a file kind, for editors."""

import argparse
import sys

from hal0_operator.cli.options import Paths
from hal0_operator.desired.schema import rendered, schemas

KINDS = ("slot", "profiles", "capabilities", "config")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=KINDS, help="whose schema: slot, profiles, capabilities or config")


def run(args: argparse.Namespace, paths: Paths) -> int:  # noqa: ARG001 - a verb's shape; no home is read
    """Print it; 0."""
    sys.stdout.write(rendered(schemas()[args.kind]))
    return 0
