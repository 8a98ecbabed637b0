"""The schemas say what the decoder takes, and the checked-in ones are fresh."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli
from jsonschema import Draft7Validator

from hal0_operator.desired.gitops_keys import GITOPS
from hal0_operator.desired.overlay_keys import SELECTION
from hal0_operator.desired.profile_keys import PROFILE
from hal0_operator.desired.schema import rendered, schemas
from hal0_operator.desired.settings_keys import SETTINGS
from hal0_operator.desired.slot_keys import SLOT
from hal0_operator.desired.table import Key, Table
from hal0_operator.model.profile import Profile
from hal0_operator.model.settings import GitopsSettings
from hal0_operator.model.slot import DeclaredSlot, SlotKeys
from tests.desired.test_assemble import OVERLAY, PROFILES
from tests.desired.test_settings import FULL
from tests.desired.texts import CHECKOUT, GOOD

HOMES = CHECKOUT / "tests" / "homes"
FILES = {"slot": "slot", "profiles": "profiles", "capabilities": "capabilities", "config": "settings"}
SCHEMAS = schemas()
VALIDATORS = {kind: Draft7Validator(schema) for kind, schema in SCHEMAS.items()}


def kind_of(file: Path) -> str:
    return "slot" if file.parent.name == "slots" else file.stem


def sound_files() -> Iterator[Path]:
    """Every file of the compatibility homes in which nothing is wrong."""
    for case in sorted(HOMES.glob("compat-*")):
        expected = tomli.loads((case / "expected.toml").read_text())
        faulty = {p["file"] for p in expected.get("problem", []) if p["code"].endswith("schema")}
        for file in (*case.glob("slots/*.toml"), case / "profiles.toml", case / "capabilities.toml"):
            if file.exists() and file.relative_to(case).as_posix() not in faulty:
                yield file


@pytest.mark.parametrize("kind", FILES)
def test_the_checked_in_schema_is_fresh(kind: str) -> None:
    """Refresh one with ``hal0ctl schema KIND > crds/FILE.schema.json``."""
    assert (CHECKOUT / f"crds/{FILES[kind]}.schema.json").read_text() == rendered(SCHEMAS[kind])


@pytest.mark.parametrize("kind", FILES)
def test_each_schema_is_a_schema(kind: str) -> None:
    Draft7Validator.check_schema(SCHEMAS[kind])


def keys(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        for name, inner in {**schema.get("properties", {}), **schema.get("patternProperties", {})}.items():
            yield f"{path}.{name}", inner
            yield from keys(inner, f"{path}.{name}")
        for inner in (*schema.get("anyOf", ()), schema.get("items")):
            yield from keys(inner, path)


@pytest.mark.parametrize("kind", FILES)
def test_every_key_is_described_and_none_may_be_null(kind: str) -> None:
    names = [name for name, _ in keys(SCHEMAS[kind])]
    assert len(names) > 10
    undescribed = [name for name, inner in keys(SCHEMAS[kind]) if not inner.get("description") and ".env." not in name]
    assert undescribed == []
    assert '"null"' not in rendered(SCHEMAS[kind])


def fields(table: Table) -> set[str]:
    found = set()
    for entry in table.keys.values():
        if isinstance(entry, Key):
            found.add(entry.field)
        elif entry.field:
            found.add(entry.field)
        else:
            found |= fields(entry)
    return found


def test_every_field_of_a_declared_object_has_a_key() -> None:
    derived = {"name", "file", "nested", "ignored"}
    assert set(DeclaredSlot.__struct_fields__) - derived <= fields(SLOT)
    assert set(Profile.__struct_fields__) - {"name", "seed", "bench"} == fields(PROFILE)
    assert {"enabled", "device", "model", "provider"} <= fields(SELECTION)
    operator = SLOT.keys["operator"]
    assert isinstance(operator, Table)
    assert set(SlotKeys.__struct_fields__) == fields(operator)
    assert {"loop", "probe", "devices", "families", "policy", "gitops"} <= fields(SETTINGS)
    assert set(GitopsSettings.__struct_fields__) == fields(GITOPS)


@pytest.mark.parametrize(
    ("kind", "text"), [("slot", GOOD), ("profiles", PROFILES), ("capabilities", OVERLAY), ("config", FULL)]
)
def test_good_files_are_valid(kind: str, text: str) -> None:
    assert [error.message for error in VALIDATORS[kind].iter_errors(tomli.loads(text))] == []


@pytest.mark.parametrize("file", list(sound_files()), ids=lambda file: file.relative_to(HOMES).as_posix())
def test_what_hal0_wrote_is_valid(file: Path) -> None:
    document = tomli.loads(file.read_text())
    assert [error.message for error in VALIDATORS[kind_of(file)].iter_errors(document)] == []


def test_both_layouts_of_a_slot_are_valid() -> None:
    flat = tomli.loads(GOOD)
    scalars = {name: value for name, value in flat.items() if not isinstance(value, dict)}
    tables = {name: value for name, value in flat.items() if isinstance(value, dict)}
    for document in (flat, {"slot": scalars, **tables}, {"slot": flat}):
        assert VALIDATORS["slot"].is_valid(document)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("slot", ""),
        ("slot", "prot = 1\n"),
        ("slot", "port = 0\n"),
        ("slot", 'device = "gpu"\n'),
        ("slot", "[slot]\nport = 99999\n"),
        ("slot", "[model]\ncontext_size = 64\n"),
        ("slot", "[server.env]\nA = 1\n"),
        ("slot", '[server.env]\nA = { vault = "x" }\n'),
        ("slot", '[operator]\nload = "lazy"\n'),
        ("profiles", '[profile.mine]\nflags = ""\n'),
        ("profiles", '[profile.Mine]\nimage = "x"\n'),
        ("profiles", '[profile.mine]\nimage = "x"\nmounts = ["data:/data"]\n'),
        ("capabilities", "schema_version = 3\n"),
        ("capabilities", "[selections.chat.chat]\nenabled = true\n"),
        ("capabilities", "[selections.voice.sst]\nenabled = true\n"),
        ("config", "[loop]\nresync_s = 0\n"),
        ("config", '[families.vllm]\ncache = "/x"\n'),
        ("config", 'model_store = "models"\n'),
        ("config", '[gitops]\nurl = "x"\n'),
        ("config", '[gitops]\nbranch = "main"\n'),
        ("config", '[gitops]\nurl = "file:///srv/homes"\ntag = "v1"\nbranch = "main"\n'),
    ],
)
def test_what_the_decoder_refuses_an_editor_marks(kind: str, text: str) -> None:
    assert not VALIDATORS[kind].is_valid(tomli.loads(text))


def test_the_verb_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    from hal0_operator.cli.dispatch import dispatch

    assert dispatch(["schema", "slot"]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMAS["slot"]
