"""``--set KEY=VALUE``: names with dots, values as TOML has them."""

import pytest

from hal0_operator.cli.assignments import assigned
from hal0_operator.cli.options import Usage


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("port=8090", {"port": 8090}),
        ("mtp=true", {"mtp": True}),
        ("idle_timeout_s=1.5", {"idle_timeout_s": 1.5}),
        ("flags=-fa on --threads 8", {"flags": "-fa on --threads 8"}),
        ('flags="-fa on"', {"flags": "-fa on"}),
        ("flags=", {"flags": None}),
        ('flags=""', {"flags": ""}),
        ("image=localhost/a:b=c", {"image": "localhost/a:b=c"}),
        ('mounts=["/srv/a:/a:ro"]', {"mounts": ["/srv/a:/a:ro"]}),
        ('env.HF_TOKEN={secret="hal0-hf"}', {"env": {"HF_TOKEN": {"secret": "hal0-hf"}}}),
        ('env."A.B"=1', {"env": {"A.B": 1}}),
        ("model.context_size=4096", {"model": {"context_size": 4096}}),
        ("quant=2024-01-02", {"quant": "2024-01-02"}),
        ("quant=nan", {"quant": "nan"}),
        ("intent=true # for now", {"intent": "true # for now"}),
        ("intent=1, 2", {"intent": "1, 2"}),
        ("intent=1,", {"intent": "1,"}),
        ("intent=1]\nport = [2", {"intent": "1]\nport = [2"}),
        ("intent= ", {"intent": " "}),
        ("intent=1\nport = 2", {"intent": "1\nport = 2"}),
        ("intent=" + "[" * 5000, {"intent": "[" * 5000}),
    ],
)
def test_a_value_is_toml_where_it_can_be_and_text_elsewhere(text, keys):
    assert assigned([text]) == keys


def test_assignments_meet_in_their_tables_and_leave_what_they_are_laid_over():
    base = {"model": {"default": "a"}}
    texts = ["model.context_size=4096", "env.A=1", "env.B="]
    assert assigned(texts, base) == {"model": {"default": "a", "context_size": 4096}, "env": {"A": 1, "B": None}}
    assert base == {"model": {"default": "a"}}


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["port"], "write KEY=VALUE"),
        (["=1"], "is no key"),
        (["a b=1"], "is no key"),
        (["a..b=1"], "is no key"),
        (["model=x", "model.context_size=1"], "model cannot be a value and hold context_size"),
        (["model.context_size=1", "model=x"], "model cannot be a value and a table"),
    ],
)
def test_what_is_no_assignment_is_a_wrong_command_line(texts, said):
    with pytest.raises(Usage, match=said):
        assigned(texts)
