"""``[gitops]``: addresses that are safe to give to git, one ref, and keys that belong together."""

import pytest

from hal0_operator.desired.settings import decode_settings
from hal0_operator.desired.source import SourceFile
from hal0_operator.model.problem import Problem
from hal0_operator.model.settings import GitopsSettings

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SSH = 'known_hosts = "/k"\nssh_key_file = "/i"\n'


def read(text: str) -> tuple[GitopsSettings | None, tuple[Problem, ...]]:
    settings, problems = decode_settings(SourceFile("config.toml", f"[gitops]\n{text}".encode()))
    return settings.gitops, problems


def good(text: str) -> GitopsSettings:
    settings, problems = read(text)
    assert problems == ()
    assert settings is not None
    return settings


def bad(text: str) -> tuple[str, str]:
    """Key path and message of the one problem."""
    settings, (problem,) = read(text)
    assert settings is None
    assert problem.at is not None
    return ".".join(problem.path), problem.message


def test_an_address_is_enough_and_main_is_followed() -> None:
    settings = good('url = "https://git.example.org/homes"\n')
    assert settings == GitopsSettings(url="https://git.example.org/homes")
    assert (settings.branch, settings.path, settings.interval_s, settings.keep) == ("main", "", 60, 5)


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.org:8443/a/b.git",
        "http://[::1]:3000/a",
        "http://127.0.0.1:3000/a",
        "file:///srv/homes.git",
    ],
)
def test_addresses_of_every_kind_are_taken(url: str) -> None:
    assert good(f'url = "{url}"\n').url == url


@pytest.mark.parametrize("url", ["ssh://git@host:2222/a/b", "ssh://host/a", "git@host:a/b.git", "git@10.0.0.1:/srv/a"])
def test_ssh_is_taken_with_a_key_and_host_keys(url: str) -> None:
    assert good(f'url = "{url}"\n{SSH}').url == url
    _, problems = read(f'url = "{url}"\n')
    assert [problem.message.split("`")[3] for problem in problems] == ["gitops.known_hosts", "gitops.ssh_key_file"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "homes",
        "/srv/homes",
        "file://host/srv",
        "git://host/a",
        "ftp://host/a",
        "ext::sh -c id",
        "fd::17",
        "https://host",
        "https://-oProxyCommand=x/a",
        "ssh://-oProxyCommand=x/a",
        "git@-oProxyCommand=x:a",
        "git@host:-a",
        "-uhost:a",
        "https://host/a b",
        "https://host/a?token=x",
        "https://host/a\\nb",
    ],
)
def test_addresses_that_git_must_not_get_are_refused(url: str) -> None:
    path, message = bad(f'url = "{url}"\n')
    assert path == "gitops.url"
    assert "control character" in message or "must be the address of a git repository" in message


@pytest.mark.parametrize("url", ["https://me:s3cret@host/a", "https://s3cret@host/a", "ssh://me:s3cret@host/a"])
def test_a_credential_in_the_address_is_refused_and_not_repeated(url: str) -> None:
    _, (problem,) = read(f'url = "{url}"\n')
    assert "must not hold a user's name or password" in problem.message
    assert "token_file" in problem.hint
    assert "s3cret" not in problem.message + problem.hint


def test_a_tag_or_a_commit_takes_the_place_of_the_branch() -> None:
    url = 'url = "file:///a"\n'
    tag, commit = good(url + 'tag = "v1"\n'), good(url + f'commit = "{COMMIT}"\n')
    assert (tag.branch, tag.tag, tag.commit) == ("", "v1", "")
    assert (commit.branch, commit.tag, commit.commit) == ("", "", COMMIT)


def test_only_one_of_branch_tag_and_commit_is_followed() -> None:
    path, message = bad('url = "file:///a"\nbranch = "main"\ntag = "v1"\n')
    assert (path, message) == ("gitops.tag", "`gitops.tag` stands beside `gitops.branch`")


@pytest.mark.parametrize(
    "name",
    [
        "-x",
        "a..b",
        "a b",
        "a~1",
        "a^",
        "a:b",
        "a?",
        "a*",
        "[a",
        "a\\\\b",
        "/a",
        "a/",
        "a//b",
        ".a",
        "a/.b",
        "a.lock",
        "a@{1}",
    ]
    + ["refs/heads/main"],
)
def test_what_is_no_name_of_a_branch_or_tag_is_refused(name: str) -> None:
    for key in ("branch", "tag"):
        path, _ = bad(f'url = "file:///a"\n{key} = "{name}"\n')
        assert path == f"gitops.{key}"


@pytest.mark.parametrize("name", ["main", "feature/x-1", "v1.4.0", "größe", "a.b"])
def test_ordinary_names_are_taken(name: str) -> None:
    assert good(f'url = "file:///a"\nbranch = "{name}"\n').branch == name


def test_a_commit_is_named_in_full() -> None:
    assert bad('url = "file:///a"\ncommit = "0123abc"\n') == (
        "gitops.commit",
        "`gitops.commit` must be the full id of a commit",
    )


@pytest.mark.parametrize(
    ("written", "read_as"), [(".", ""), ("./", ""), ("./a", "a"), ("a/b/", "a/b"), ("a/./b", "a/b"), ("", "")]
)
def test_the_folder_is_kept_in_one_way_of_writing(written: str, read_as: str) -> None:
    assert good(f'url = "file:///a"\npath = "{written}"\n').path == read_as


@pytest.mark.parametrize("path", ["/a", "..", "../a", "a/../b", "a/..", ".git", "a/.git/b"])
def test_a_folder_outside_the_repository_is_refused(path: str) -> None:
    assert bad(f'url = "file:///a"\npath = "{path}"\n')[0] == "gitops.path"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('url = "file:///a"\ntoken_file = "/t"\n', "gitops.token_file"),
        ('url = "https://h/a"\nknown_hosts = "/t"\n', "gitops.known_hosts"),
        (f'url = "git@h:a"\n{SSH}token_file = "/t"\n', "gitops.token_file"),
        ('url = "file:///a"\nallowed_signers = "/t"\n', "gitops.allowed_signers"),
        ('url = "file:///a"\nverify = "ssh"\n', "gitops.verify"),
        ('url = "file:///a"\nverify = "pgp"\n', "gitops.verify"),
        ('url = "file:///a"\nkeep = 0\n', "gitops.keep"),
        ('url = "file:///a"\ninterval_s = 0\n', "gitops.interval_s"),
        ('branch = "main"\n', "gitops"),
        ('url = "git@h:a"\nknown_hosts = "/a b"\nssh_key_file = "/i"\n', "gitops.known_hosts"),
    ],
)
def test_keys_that_do_nothing_or_lack_their_fellow_are_refused(text: str, path: str) -> None:
    _, problems = read(text)
    assert problems[0].path == tuple(path.split("."))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('url = "git@h:a"\nknown_hosts = "/a b"\nssh_key_file = "/i"\n', "known_hosts"),
        ('url = "git@h:a"\nknown_hosts = "/k"\nssh_key_file = 7\n', "ssh_key_file"),
        ('url = "file:///a"\nverify = "ssh"\nallowed_signers = "a"\n', "allowed_signers"),
        ('url = "file:///a"\nverify = true\nallowed_signers = "/a"\n', "verify"),
        ('url = "file://h/a"\ntoken_file = "/a"\n', "url"),
        ('url = "file:///a"\ntag = 7\nbranch = "main"\n', "tag"),
    ],
)
def test_a_wrong_value_is_not_called_missing_too(text: str, key: str) -> None:
    assert bad(text)[0] == f"gitops.{key}"
