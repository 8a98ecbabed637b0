"""What the documents name exists, and what exists for people is named in them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hal0_operator.cli.verbs import VERBS
from hal0_operator.loop.metrics import NAMES
from hal0_operator.model.status import ALWAYS, NAMED, PHASES

CHECKOUT = Path(__file__).parents[2]
PACKAGE = CHECKOUT / "operator/hal0_operator"
DOCUMENTS = [CHECKOUT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")]


def quoted(text: str) -> Iterator[str]:
    """What stands in backquotes outside of code blocks."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    yield from re.findall(r"`([^`\n]+)`", prose)


def missing(document: Path) -> list[str]:
    """Paths of the checkout and modules of the package that a document names and that are not there."""
    found = []
    for word in quoted(document.read_text()):
        path = re.fullmatch(r"(operator|deploy|tests|seeds|crds|\.ci)(/[\w.*<>-]+)+/?", word)
        if path and not re.search(r"[<*]", word) and not (CHECKOUT / word).exists():
            found.append(word)
        module = re.fullmatch(r"(?:hal0_operator\.)?([a-z_]+(?:\.[a-z_]+)+)", word)
        if module and (PACKAGE / module[1].split(".")[0]).exists() and not _is_module(module[1]):
            found.append(word)
    return found


def _is_module(dotted: str) -> bool:
    """A module or package, or a name inside one."""
    path = PACKAGE.joinpath(*dotted.split("."))
    if path.is_dir() or path.with_suffix(".py").is_file():
        return True
    owner, name = path.parent, path.name
    source = owner.with_suffix(".py") if owner.with_suffix(".py").is_file() else owner / "__init__.py"
    return source.is_file() and re.search(rf"\b(def|class) {name}\b|^{name}\b", source.read_text(), re.M) is not None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_and_module_that_a_document_names_exists(document: Path) -> None:
    assert missing(document) == []


def everything() -> str:
    return "\n".join(document.read_text() for document in DOCUMENTS)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("metric", tuple(NAMES)),
        ("condition", (*ALWAYS, *NAMED)),
        ("phase", PHASES),
        ("verb", tuple(f"hal0ctl {verb}" for verb in VERBS)),
    ],
)
def test_every_name_that_people_meet_is_documented(kind: str, names: tuple[str, ...]) -> None:
    text = everything()
    undocumented = [name for name in names if name not in text]
    assert undocumented == [], f"{kind}: add to README.md's reference"
