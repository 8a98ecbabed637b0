"""No address that is shown gives its password away."""

import pytest

from hal0_operator.model.userinfo import parts, starred

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:word@host/x", "https://*******@host/x"),
        ("HTTPS://me:word@host/x", "HTTPS://*******@host/x"),
        ("https://token@host/x", "https://*****@host/x"),
        ("https://me:wo@rd@host/x", "https://********@host/x"),
        ("https://me:wo/rd@host/x", "https://********@host/x"),
        ("ssh://me:word@host/x", "ssh://*******@host/x"),
        ("ext::https://me:word@host/x", "ext::https://*******@host/x"),
        ("me:word@host:x", "*******@host:x"),
        ("//me:word@host/x", "*********@host/x"),
        ("https:/me:word@host/x", "**************@host/x"),
        ("url='https://me:word@host/x'", "url='https://*******@host/x'"),
        ('a = "b:c" # "https://me:word@host/x"', 'a = "b:c" # "https://*******@host/x"'),
        ("--url=https://me:word@host --proxy=me:word@host", "--url=https://*******@host --proxy=*******@host"),
    ],
)
def test_what_stands_before_the_host_is_starred_and_columns_stay(text: str, shown: str) -> None:
    assert starred(text) == shown
    assert len(starred(text)) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://host:8080/x",
        "ssh://git@host:22/x",
        "git@host:x",
        f"localhost:5000/stub:1@{DIGEST}",
        f"docker://ghcr.io/stub@{DIGEST}",
        "mail me@host",
        "a: b @ c",
        "",
    ],
)
def test_what_holds_no_password_is_unchanged(text: str) -> None:
    assert starred(text) == text
    assert tuple(parts(text)) == ()


def test_the_parts_are_what_is_hidden() -> None:
    assert tuple(parts("--a https://me:word@host git@host --b=you:key@host")) == ("me:word", "you:key")


def test_a_line_of_a_quarter_of_a_million_letters_is_starred_at_once() -> None:
    for piece in ("a", "a:", "@", "a@", "://", "ssh://", "a:@", "=a:", "@sha256:"):
        text = piece * (262_144 // len(piece))
        assert len(starred(text)) == len(text)
