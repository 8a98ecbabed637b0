"""``hal0ctl doctor``: what this machine can do, what is in the way, and what to do about it."""

import argparse
import sys
from collections.abc import Iterator

import msgspec

from hal0_operator.cli.diagnosis import devices, dnat, engine, folders, kernel, listening
from hal0_operator.cli.diagnosis.finding import Finding, Level
from hal0_operator.cli.options import Paths
from hal0_operator.cli.output import colourful, neutral, paint

COLOUR: dict[Level, str] = {"ok": "green", "warn": "yellow", "fail": "red"}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fix", action="store_true", help="delete port rules whose container is gone; nothing else is changed"
    )
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table", help="json for programs")


def run(args: argparse.Namespace, paths: Paths) -> int:
    """0 when nothing fails; warnings are no failure."""
    findings: list[Finding] = []
    for finding in look(paths, repair=args.fix):
        findings.append(finding)
        if args.output == "table":
            _show(finding)
    good = all(finding.level != "fail" for finding in findings)
    if args.output == "json":
        report = {"ok": good, "findings": [_row(finding) for finding in findings]}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n")
    return 0 if good else 1


def look(paths: Paths, *, repair: bool) -> Iterator[Finding]:
    """Everything, quick looks first, so that a hung Podman hides nothing else."""
    yield from kernel.look()
    yield from devices.look()
    yield from listening.look()
    yield from folders.look(paths)
    yield from engine.look(paths)
    yield from dnat.look(paths, repair=repair)


def _row(finding: Finding) -> dict[str, str]:
    return {"subject": finding.subject, "level": finding.level, "message": finding.message, "hint": finding.hint}


def _show(finding: Finding) -> None:
    level = paint(f"{finding.level:4}", COLOUR[finding.level], colourful(sys.stdout))
    sys.stdout.write(f"{level}  {finding.subject:10}  {neutral(finding.message)}\n")
    if finding.hint:
        sys.stdout.write(f"      {'':10}  -> {neutral(finding.hint)}\n")
    sys.stdout.flush()
