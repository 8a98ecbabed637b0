"""What the versions of git say, as faults: the words of those that are not on this machine stand here."""

import pytest

from hal0_operator.gitops.faults import told
from hal0_operator.gitops.process import Answer
from hal0_operator.model.settings import GitopsSettings

SETTINGS = GitopsSettings(url="https://git.example/homes.git")


def kind_of(words: str) -> str:
    fault = told(Answer(128, b"", words), SETTINGS, ())
    return fault.kind if fault is not None else "ours"


@pytest.mark.parametrize(
    "words",
    [
        "server certificate verification failed. CAfile: none CRLfile: none",  # 2.39
        "server verification failed: certificate signer not trusted. (CAfile: none CRLfile: none)",  # 2.47
    ],
)
def test_a_server_that_cannot_prove_who_it_is(words: str) -> None:
    assert kind_of(f"fatal: unable to access '{SETTINGS.url}/': {words}\n") == "host_key"


@pytest.mark.parametrize(
    "words",
    [
        "error: files 'objects/pack/pack-1.pack' and 'objects/pack/tmp_pack_2' differ in contents",
        "fatal: cannot read existing object 51f7d63aa20b84696ca25a340471e2b94da3c12e",
        "fatal: packed object af4bdd4f (stored in ./objects/pack/pack-1.pack) is corrupt",
    ],
)
def test_a_damaged_clone_is_no_fault_of_the_remote(words: str) -> None:
    assert kind_of(f"{words}\nfatal: fetch-pack: invalid index-pack output\n") == "ours"


@pytest.mark.parametrize("words", ["fatal: early EOF", "fatal: pack has bad object at offset 12: inflate returned -3"])
def test_a_pack_that_comes_in_pieces_is_the_remotes(words: str) -> None:
    assert kind_of(f"{words}\nfatal: fetch-pack: invalid index-pack output\n") == "unreachable"
