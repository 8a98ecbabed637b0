"""Words that no file of the project may hold."""

import re
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SELF = Path(__file__).relative_to(CHECKOUT)

EVERYWHERE = {
    r"\b(TODO|FIXME|XXX|HACK)\b": "what is not done is an issue, not a comment",
    r"/work/|(?<![\w.-])/home/(?!\w*hal0)[a-z]+/|/Users/": "a path of one machine",
    r"\b(managers?|helpers?|utils?)\.py\b": "a name that says nothing",
}
IN_TESTS = {
    r"\btime\.sleep\(|\banyio\.sleep\((?!0\))|\basyncio\.sleep\((?!0\))": "await the event, or advance the simulated clock",
    r"@pytest\.mark\.skip\b": "a test that does not run proves nothing",
}
ALLOWED = {
    "tests/images/stub/server.py": "time.sleep: the stub server's own slowness is what it is for",
}
SUFFIXES = {".py", ".mjs", ".md", ".toml", ".yml", ".sh", ".service", ""}


def files() -> list[Path]:
    """Tracked files and new ones that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [Path(name) for name in listed if Path(name).suffix in SUFFIXES and (CHECKOUT / name).is_file()]


def violations(path: Path, text: str) -> list[str]:
    is_test = path.parts[0] == "tests" and path.parts[1] != "bench"  # a bench lets things settle before it measures
    words = EVERYWHERE | (IN_TESTS if is_test else {})
    found = []
    for pattern, why in words.items():
        for match in re.finditer(pattern, text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{path}:{line}: {match[0]!r}: {why}")
    return found


def test_no_file_holds_a_forbidden_word() -> None:
    found = []
    for path in files():
        if path != SELF and str(path) not in ALLOWED:
            found += violations(path, (CHECKOUT / path).read_text(errors="replace"))
    assert found == []


def test_every_allowance_is_still_needed() -> None:
    stale = [name for name in ALLOWED if not violations(Path(name), (CHECKOUT / name).read_text())]
    assert stale == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "# TODO later"),
        ("a.md", "see /work/x"),
        ("tests/test_a.py", "time.sleep(1)"),
        ("a.py", "from utils.py"),
    ],
)
def test_the_words_are_seen_to_be_found(path: str, text: str) -> None:
    assert violations(Path(path), text)
