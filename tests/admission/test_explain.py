"""Every code that a home can be told has its page."""

import re
from argparse import Namespace
from pathlib import Path

import pytest

from hal0_operator.admission import rules
from hal0_operator.admission.rules import CODES, RULES
from hal0_operator.cli.explain import CONDITION_TEXTS, PHASE_TEXTS, REFUSALS, run
from hal0_operator.cli.options import Failed
from hal0_operator.model.status import ALWAYS, NAMED, PHASES

PACKAGE = Path(rules.__file__).parents[2]


def explain(word: str | None) -> int:
    return run(Namespace(word=word), None)


def test_every_rule_module_is_registered_once():
    modules = {path.stem for path in Path(rules.__file__).parent.glob("*.py")} - {"__init__"}
    assert {rule.code.replace(".", "_") for rule in RULES} == modules
    assert len(CODES) == len(RULES)


@pytest.mark.parametrize("code", CODES)
def test_a_page_says_what_shows_it_and_how_to_fix_it(code, capsys):
    assert explain(code) == 0
    page = capsys.readouterr().out
    assert page.startswith(f"{code}\n\n")
    assert "\nExample: " in page
    assert "\nFix: " in page


def test_every_code_in_the_source_has_a_page():
    families = "changeset|slot|profiles?|capability|device|npu|port|flag|image|mount|secret|settings|prune|podman|state"
    literal = re.compile(rf'"((?:{families})\.[a-z_]+)"')
    found = {code for path in PACKAGE.rglob("*.py") for code in literal.findall(path.read_text())}
    files = {"profiles.toml", "podman.sock"}
    assert found - files - CODES.keys() - REFUSALS.keys() == set()


def test_every_condition_and_phase_has_a_text():
    assert CONDITION_TEXTS.keys() | PHASE_TEXTS.keys() == {*ALWAYS, *NAMED, *PHASES}


def test_a_reason_of_a_condition_leads_to_its_code(capsys):
    assert explain("NpuExclusive") == 0
    assert capsys.readouterr().out.startswith("npu.exclusive\n")


def test_a_typo_gets_the_nearest_word():
    with pytest.raises(Failed, match=r"did you mean 'npu\.exclusive'"):
        explain("npu.exclusiv")


def test_without_a_word_everything_is_listed(capsys):
    assert explain(None) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in (*CODES, *NAMED, *PHASES))
