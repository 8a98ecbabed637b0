"""What others rely on by name.  Extend these lists freely; a rename or a loss is a break and fails here."""

import re
from pathlib import Path

import pytest

from hal0_operator.admission.rules import RULES
from hal0_operator.cli import dispatch
from hal0_operator.cli.options import SHARED
from hal0_operator.cli.verbs import VERBS
from hal0_operator.loop.metrics import NAMES
from hal0_operator.model.status import ALWAYS, NAMED, PHASES
from hal0_operator.web.app import RESOURCES

GOLDEN = Path(__file__).with_name("golden")

SURFACES = {
    "verbs": lambda: list(VERBS),
    "commands": lambda: [f"{verb} {command}" for verb in VERBS for command in parser_of(verb).commands],
    "options": lambda: [f"{option.flag} {option.variable}" for option in SHARED],
    "routes": lambda: [f"{e.method} {e.path}" for e in RESOURCES],
    "metrics": lambda: list(NAMES),
    "conditions": lambda: [*ALWAYS, *NAMED],
    "phases": lambda: list(PHASES),
    "codes": lambda: [rule.code for rule in RULES],
}


def parser_of(verb):
    from importlib import import_module

    return dispatch.parser_of(VERBS[verb], import_module(f"hal0_operator.cli.{VERBS[verb].module}").arguments)


@pytest.mark.parametrize("name", SURFACES)
def test_every_name_is_the_one_that_was_published(name):
    written = (GOLDEN / f"{name}.txt").read_text().splitlines()
    assert sorted(SURFACES[name]()) == written


@pytest.mark.parametrize("name", SURFACES)
def test_no_name_is_given_twice(name):
    names = SURFACES[name]()
    assert len(set(names)) == len(names)


def test_every_code_is_dotted_lower_case():
    assert not [code for code in SURFACES["codes"]() if not re.fullmatch(r"[a-z]+(\.[a-z_]+)+", code)]


def test_every_verb_has_its_module():
    from importlib import import_module

    for verb in VERBS.values():
        module = import_module(f"hal0_operator.cli.{verb.module}")
        assert callable(module.run), verb.name
        assert callable(module.arguments), verb.name
