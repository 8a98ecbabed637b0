"""``validate`` and ``init``: a home is judged without anything being touched."""

import io
import json
import sys

import pytest

BAD = 'device = "gpu-rcom"\n[model]\ndefault = "some-model"\ncontext_size = 4\n'


@pytest.fixture
def bad(home):
    (home / "slots" / "bad.toml").write_text(BAD)
    return home


@pytest.fixture
def stdin(monkeypatch):
    def put(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return put


def everything(folder):
    return {str(p.relative_to(folder)): (p.stat().st_mtime_ns, p.is_dir() or p.read_bytes()) for p in folder.rglob("*")}


def test_a_good_home_is_exit_0(hal0ctl, home):
    assert hal0ctl("validate", str(home)) == (0, f"{home}: 1 file read, 0 errors, 0 warnings\n", "")


def test_problems_are_shown_with_their_line_a_caret_and_a_hint(hal0ctl, bad):
    ran = hal0ctl("validate", str(bad))
    assert ran.code == 1
    lines = ran.out.splitlines()
    assert lines[0].startswith("slots/bad.toml:1:10: error device.unknown: ")
    assert lines[1] == '  1 | device = "gpu-rcom"'
    assert lines[2] == "    |          ^"
    assert "gpu-rocm" in lines[3]
    assert any(line.startswith("slots/bad.toml:4:16: error slot.schema: ") for line in lines)
    assert lines[-1] == f"{bad}: 2 files read, 2 errors, 0 warnings"


def test_the_line_that_is_shown_does_not_show_a_secret(hal0ctl, bad):
    (bad / "slots" / "bad.toml").write_text(BAD + '[server]\nenv = { HF_TOKEN = "canary", A = 1 }\n')
    ran = hal0ctl("validate", str(bad))
    assert '6 | env = { HF_TOKEN = "******", A = 1 }' in ran.out
    assert "canary" not in ran.out


def test_json_keeps_the_contract(hal0ctl, bad):
    ran = hal0ctl("validate", str(bad), "-o", "json")
    body = json.loads(ran.out)
    assert ran.code == 1
    assert body.keys() == {"ok", "home", "digest", "problems"}
    assert (body["ok"], body["home"]) == (False, str(bad))
    first = body["problems"][0]
    assert first.keys() == {"severity", "code", "file", "line", "column", "path", "message", "hint"}
    assert (first["code"], first["file"], first["line"], first["column"]) == ("device.unknown", "slots/bad.toml", 1, 10)
    assert body["problems"][1]["path"] == "model.context_size"


def test_a_good_home_is_ok_in_json(hal0ctl, home):
    body = json.loads(hal0ctl("validate", "--home", str(home), "-o", "json").out)
    assert (body["ok"], body["problems"]) == (True, [])


def test_github_annotations_name_the_file_as_the_repository_does(hal0ctl, bad, monkeypatch):
    monkeypatch.chdir(bad.parent)
    lines = hal0ctl("validate", "home", "-o", "github").out.splitlines()
    assert lines[0].startswith("::error file=home/slots/bad.toml,line=1,col=10,title=device.unknown::")
    assert "%0A" in lines[0]
    assert len(lines) == 2


def test_an_annotation_cannot_be_broken_out_of(hal0ctl, home):
    (home / "slots" / "bad.toml").write_text('"x\\n::error ::%0A,y" = 1\n')
    lines = hal0ctl("validate", str(home), "-o", "github").out.splitlines()
    assert len(lines) == 1
    assert "\n::error ::" not in lines[0]


def test_an_annotation_carries_no_terminal_sequence_of_a_folders_name(hal0ctl, home):
    odd = home.rename(home.with_name("h\x1b[31m\n"))
    (odd / "slots" / "bad.toml").write_text(BAD)
    lines = hal0ctl("validate", str(odd), "-o", "github").out.splitlines()
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)


def test_gitlab_gets_a_code_quality_report(hal0ctl, bad, monkeypatch):
    monkeypatch.chdir(bad)
    report = json.loads(hal0ctl("validate", ".", "-o", "gitlab").out)
    assert report[0]["location"] == {"path": "slots/bad.toml", "lines": {"begin": 1}}
    assert {entry["severity"] for entry in report} == {"major"}
    assert len({entry["fingerprint"] for entry in report}) == 2


def test_warnings_alone_are_exit_0(hal0ctl, home):
    (home / "slots" / "chat.toml").write_text('backend = "rocm"\n[model]\ndefault = "some-model"\n')
    ran = hal0ctl("validate", str(home))
    assert ran.code == 0
    assert "warning device.legacy_backend" in ran.out


def test_a_file_from_stdin_is_judged_alone(hal0ctl, stdin):
    stdin(BAD.encode())
    ran = hal0ctl("validate", "-", "--as", "slots/new.toml", "-o", "json")
    assert ran.code == 1
    assert {p["file"] for p in json.loads(ran.out)["problems"]} == {"slots/new.toml"}


def test_a_file_from_stdin_is_judged_within_a_named_home(hal0ctl, bad, stdin):
    (bad / "slots" / "other.toml").write_text('port = 8099\n[model]\ndefault = "m"\n')
    stdin(b'port = 8099\n[model]\ndefault = "m"\n')
    ran = hal0ctl("validate", "-", "--as", "slots/new.toml", "--home", str(bad), "-o", "json")
    assert [(p["code"], p["file"]) for p in json.loads(ran.out)["problems"]] == [("port.conflict", "slots/new.toml")]


def test_a_name_that_is_none_is_refused_on_stdin_too(hal0ctl, stdin):
    stdin(b"port = 8081\n")
    ran = hal0ctl("validate", "-", "--as", "slots/a\nb.toml")
    assert ran.code == 1
    assert "slot.name" in ran.out


def test_stdin_has_the_limit_of_a_file(hal0ctl, stdin):
    stdin(b"#" * 300_000)
    ran = hal0ctl("validate", "-", "--as", "profiles.toml")
    assert ran.code == 1
    assert "262144 bytes" in ran.out


def test_a_home_that_is_not_there_is_a_clear_failure(hal0ctl, tmp_path):
    ran = hal0ctl("validate", str(tmp_path / "nowhere"))
    assert ran.code == 1
    assert "there is no such home; hal0ctl init" in ran.err


def test_a_policy_of_the_settings_counts(hal0ctl, home, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text("[policy]\nimages = []\n")
    ran = hal0ctl("validate", str(home), "--config", str(config))
    assert ran.code == 1
    assert "image.policy" in ran.out


@pytest.mark.parametrize(
    ("text", "said"), [("[policy]\nimage = []\n", "settings.schema"), (None, "there is no such settings file")]
)
def test_bad_settings_are_a_failure_with_the_place(hal0ctl, home, tmp_path, text, said):
    config = tmp_path / "config.toml"
    if text is not None:
        config.write_text(text)
    ran = hal0ctl("validate", str(home), "--config", str(config))
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err
    assert str(config) in ran.err


@pytest.mark.parametrize("url", ["https://me:canary@host/x", "HTTPS://canary@host/x", "me:canary@host:x"])
@pytest.mark.parametrize("text", ["url = '{}'", "url = {}", 'url = "file:///a"\npath = "/{}"\nverify="{}"'])
def test_no_line_of_the_settings_shows_the_password_of_an_address(hal0ctl, home, tmp_path, url, text):
    config = tmp_path / "config.toml"
    config.write_text(f"[gitops]\n{text.replace('{}', url)}\n")
    ran = hal0ctl("validate", str(home), "--config", str(config))
    assert (ran.code, "host" in ran.err) == (1, True)
    assert "canary" not in ran.err


@pytest.mark.parametrize(
    "data",
    [
        b"\x00",
        b"\xff\xfe",
        b"[" * 3000,
        b'x = "\x1b[2J"\n',
        b"a" * 200_000 + b" = 1\n",
        b"<<<<<<< HEAD\n",
        b"\x1b]0;x\x07",
    ],
)
def test_hostile_bytes_reach_no_terminal_and_no_line_is_endless(hal0ctl, home, data):
    (home / "slots" / "chat.toml").write_bytes(data)
    ran = hal0ctl("validate", str(home))
    assert ran.code == 1
    assert not [c for c in ran.out if ord(c) < 32 and c != "\n"]
    assert "Traceback" not in ran.err
    excerpts = [line for line in ran.out.splitlines() if " | " in line]
    assert all(len(line) < 700 for line in excerpts)


def test_validate_touches_nothing(hal0ctl, bad, tmp_path):
    before = everything(tmp_path)
    hal0ctl("validate", str(bad))
    assert everything(tmp_path) == before


def test_init_writes_a_home_that_is_valid(hal0ctl, tmp_path):
    ran = hal0ctl("init", str(tmp_path / "new"))
    assert ran.code == 0
    assert "next:" in ran.out
    assert hal0ctl("validate", str(tmp_path / "new")).out.endswith("2 files read, 0 errors, 0 warnings\n")


def test_every_commented_example_of_init_is_valid_when_uncommented(hal0ctl, tmp_path):
    home = tmp_path / "new"
    hal0ctl("init", str(home))
    for file in (home / "slots" / "chat.toml", home / "profiles.toml"):
        lines = file.read_text().splitlines()
        examples = [line.removeprefix("# ") if " = " in line or "[profile" in line else line for line in lines]
        file.write_text("\n".join(examples) + "\n")
    ran = hal0ctl("validate", str(home))
    assert (ran.code, ran.err) == (0, ""), ran.out


def test_init_overwrites_nothing(hal0ctl, tmp_path):
    (tmp_path / "slots").mkdir()
    (tmp_path / "slots" / "mine.toml").write_text("enabled = false\n")
    (tmp_path / "profiles.toml").write_text("# mine\n")
    ran = hal0ctl("init", str(tmp_path))
    assert ran.code == 0
    assert ran.out.count("kept") == 2
    assert (tmp_path / "profiles.toml").read_text() == "# mine\n"
    assert not (tmp_path / "slots" / "chat.toml").exists()


def test_init_where_nothing_can_be_is_a_clear_failure(hal0ctl, tmp_path):
    (tmp_path / "file").write_text("")
    ran = hal0ctl("init", str(tmp_path / "file"))
    assert ran.code == 1
    assert ran.err.startswith(f"hal0ctl: {tmp_path}/file")
