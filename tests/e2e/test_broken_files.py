"""Files that cannot be: each is refused with its place, what serves goes on serving, and the others are looked at."""

import json
from pathlib import Path
from typing import Any

from tests.e2e.awaited import all_ready, condition, converged
from tests.support.operator_process import OperatorProcess, Slots

GOOD = 'device = "cpu"\nprofile = "stub"\nport = {port}\n\n[model]\ndefault = "m.gguf"\ncontext_size = 4096\n'


def write(operator: OperatorProcess, slot: str, data: bytes) -> None:
    """The whole file at once."""
    target = operator.home.path / "slots" / f"{slot}.toml"
    staged = target.with_suffix(".swp")
    staged.write_bytes(data)
    staged.replace(target)


def refused(slots: Slots, *names: str) -> bool:
    return all(name in slots and condition(slots[name], "Admitted")["status"] == "False" for name in names)


def places(problems: list[dict[str, Any]]) -> dict[str, tuple[str, int, int]]:
    """File to code, line and column of its errors; one error a file."""
    found = [(p["file"], (p["code"], p["line"], p["column"])) for p in problems if p["severity"] == "error"]
    assert len(dict(found)) == len(found), problems
    return dict(found)


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(running: OperatorProcess) -> None:
    before = converged(running)
    good = (running.home.path / "slots/chat.toml").read_bytes()
    write(running, "chat", b"\xef\xbb\xbf" + good)
    write(running, "code", (running.home.path / "slots/code.toml").read_bytes().replace(b"\n", b"\r\n"))
    assert converged(running) == before
    assert running.get("/api/source")["problems"] == []
    # positions are those that an editor shows, which does not show the mark
    write(running, "chat", b"\xef\xbb\xbf" + good.replace(b'"cpu"', b'"cpy"'))
    denied = running.until_condition("chat", "Admitted", "False")
    assert denied["message"].startswith("device.unknown slots/chat.toml:1:10")


def test_bytes_that_are_no_toml_are_refused_with_their_place_all_in_one_reading(running: OperatorProcess) -> None:
    before = converged(running)
    good = GOOD.format(port=running.home.ports[7]).encode()
    broken = {
        "latin": good + b"# caf\xe9\n",
        "nul": good.replace(b"cpu", b"c\0u"),
        "deep": b"a = " + b"[" * 3000 + b"\n",
        "merge": b"<<<<<<< ours\n" + good,
        "chat": b'device = "cpu\n',
    }
    for name, data in broken.items():
        write(running, name, data)
    running.until(lambda slots: refused(slots, *broken))
    found = places(running.get("/api/source")["problems"])
    assert {file: place[0] for file, place in found.items()} == {f"slots/{n}.toml": "slot.schema" for n in broken}
    assert found["slots/latin.toml"][1:] == (8, 6)
    assert found["slots/nul.toml"][1:] == (1, 12)
    assert found["slots/deep.toml"][1] == 1
    assert found["slots/merge.toml"][1:] == (1, 1)
    assert found["slots/chat.toml"][1:] == (1, 10)
    assert running.cids() == before
    assert "Traceback" not in running.said()


def test_values_that_toml_reads_as_something_else_are_all_listed_with_their_place(running: OperatorProcess) -> None:
    before = converged(running)
    base = 'device = "cpu"\nprofile = "stub"\n'
    model = '[model]\ndefault = "m.gguf"\n'
    wrong = {
        "zero": (base + "port = 08081\n" + model, ("slot.schema", 3, 8)),
        "real": (base + "port = 8081.0\n" + model, ("slot.schema", 3, 8)),
        "truth": (base + "port = true\n" + model, ("slot.schema", 3, 8)),
        "huge": (base + "port = 99999999999999999999\n" + model, ("slot.schema", 3, 8)),
        "date": (base + "[model]\ndefault = 2024-01-01\n", ("slot.schema", 4, 11)),
        "twice": (base[:15] + "port = 1\n" + "\n" * 6 + "port = 2\n", ("slot.schema", 9, 1)),
        "tables": (base + model + model, ("slot.schema", 5, 2)),
        "typo": ('devcie = "cpu"\n' + model, ("slot.schema", 1, 1)),
    }
    for name, (text, _) in wrong.items():
        running.home.save(f"slots/{name}.toml", text)
    expected = {f"slots/{name}.toml": place for name, (_, place) in wrong.items()}

    said = running.hal0ctl("validate", "-o", "json")
    assert said.returncode == 1, said.stderr
    report = json.loads(said.stdout)
    assert places(report["problems"]) == expected
    hints = {problem["file"]: f"{problem['message']} {problem['hint']}" for problem in report["problems"]}
    assert "line 2" in hints["slots/twice.toml"]
    assert "device" in hints["slots/typo.toml"]
    assert "8081" in hints["slots/zero.toml"]
    assert "quote" in hints["slots/date.toml"]
    assert all(problem["path"] for problem in report["problems"] if problem["file"] not in ("slots/zero.toml",))

    running.until(lambda slots: refused(slots, *wrong))
    assert places(running.get("/api/source")["problems"]) == expected, "the operator says what validate says"
    assert running.cids() == before


def test_flags_that_belong_to_the_slot_are_refused_in_every_spelling(running: OperatorProcess) -> None:
    before = converged(running)
    smuggled = ["--port 9999", "--port=9999", "--host 127.0.0.1", "-c 512", "--ctx-size=512", "-m /x", "-ngl 3"]
    for number, extra in enumerate(smuggled):
        running.home.slot(f"s{number}", port=running.home.ports[10 + number], server={"extra_args": extra})
    running.home.slot("quote", port=running.home.ports[9], server={"extra_args": "--threads '8"})
    names = [*(f"s{number}" for number in range(len(smuggled))), "quote"]
    slots = running.until(lambda slots: refused(slots, *names))
    for number, extra in enumerate(smuggled):
        message = condition(slots[f"s{number}"], "Admitted")["message"]
        assert message.startswith(f"flag.policy slots/s{number}.toml:10:14"), message
        assert extra.replace("=", " ").split()[0] in message
    assert condition(slots["quote"], "Admitted")["message"].startswith("slot.schema slots/quote.toml:10:14")
    assert running.cids() == before, "what is refused is neither started nor in the way"


def test_flags_that_belong_to_the_slot_are_refused_in_a_profile_too(running: OperatorProcess) -> None:
    before = converged(running)
    for flags in ("--model /x", "--alias y", "--api-key k"):
        running.home.profile("stub", flags=f"--threads 2 {flags}")
        running.until(
            lambda _, flag=flags.split()[0]: any(
                p["code"] == "flag.policy" and p["file"] == "profiles.toml" and flag in p["message"] and p["line"] == 3
                for p in running.get("/api/source")["problems"]
            )
        )
    assert running.cids() == before, "the profile stays in force as it was"
    running.home.profile("stub")
    slots = running.until(all_ready)
    assert all(condition(slot, "Admitted")["status"] == "True" for slot in slots.values())
    assert converged(running) == before
    assert not list(Path(running.home.path).glob("*.tmp"))
