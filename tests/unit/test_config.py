"""The server's settings: what is wrong becomes one line that names the variable and shows how it should look."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tidegate.config import Config, kept_secret, read_config, socket_directory
from tidegate.errors import ConfigurationError

WRONG = [
    ("TIDEGATE_PORT", "http", "TIDEGATE_PORT=8000"),
    ("TIDEGATE_PORT", "0", "TIDEGATE_PORT=8000"),
    ("TIDEGATE_PORT", "65536", "TIDEGATE_PORT=8000"),
    ("TIDEGATE_PORT", "-1", "TIDEGATE_PORT=8000"),
    ("SANDBOX_PORT", "9400x", "SANDBOX_PORT=9400"),
    ("TIDEGATE_PUBLIC_URL", "tidegate.example.com", "TIDEGATE_PUBLIC_URL=http"),
    ("TIDEGATE_PUBLIC_URL", "ftp://example.com", "TIDEGATE_PUBLIC_URL=http"),
    ("TIDEGATE_PUBLIC_URL", "https://", "TIDEGATE_PUBLIC_URL=http"),
    ("TIDEGATE_PUBLIC_URL", "https://example.com:port", "TIDEGATE_PUBLIC_URL=http"),
    ("TIDEGATE_HOME", "/dev/null", "TIDEGATE_HOME=./var"),
    ("TIDEGATE_DEBUG", "yes", "TIDEGATE_DEBUG=true"),
    ("TIDEGATE_BEHIND_PROXY", "1", "TIDEGATE_BEHIND_PROXY=true"),
    ("TIDEGATE_WEB_THREADS", "many", "TIDEGATE_WEB_THREADS=4"),
    ("TIDEGATE_WORKER_CONCURRENCY", "0", "TIDEGATE_WORKER_CONCURRENCY=10"),
    ("TIDEGATE_ENCRYPTION_KEYS", "short", "Fernet.generate_key"),
    ("TIDEGATE_PIPEDRIVE_OAUTH_URL", "oauth", "TIDEGATE_PIPEDRIVE_OAUTH_URL=https://oauth.pipedrive.com"),
    ("DATABASE_URL", "mysql://localhost/tidegate", "DATABASE_URL=postgresql://"),
    ("DATABASE_URL", "postgresql://localhost", "DATABASE_URL=postgresql://"),
    ("DATABASE_URL", "postgresql://localhost:port/tidegate", "DATABASE_URL=postgresql://"),
    ("TIDEGATE_MAIL_SERVER", "mail.example.com", "TIDEGATE_MAIL_SERVER=smtp"),
    ("TIDEGATE_MAIL_SERVER", "https://mail.example.com", "TIDEGATE_MAIL_SERVER=smtp"),
    ("TIDEGATE_MAIL_SERVER", "smtp://mail.example.com:port", "TIDEGATE_MAIL_SERVER=smtp"),
    ("TIDEGATE_SECRET_KEY_FILE", "/nowhere/at/all", "TIDEGATE_SECRET_KEY_FILE=/run/secrets/"),
]


def read(home: Path, **environment: str) -> Config:
    return read_config({"TIDEGATE_HOME": str(home), **environment})


@pytest.mark.parametrize(("name", "value", "example"), WRONG)
def test_a_wrong_setting_is_named_with_an_example(
    tmp_path: Path, name: str, value: str, example: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, **{name: value})
    said = str(caught.value)
    assert name in said
    assert example in said
    assert "\n" not in said


def test_nothing_has_to_be_set(tmp_path: Path) -> None:
    config = read(tmp_path)
    assert config.embedded
    assert config.public_url == "http://127.0.0.1:8000"
    assert len(config.encryption_keys) == 1


def test_secrets_made_once_stay(tmp_path: Path) -> None:
    first, second = read(tmp_path), read(tmp_path)
    assert first.secret_key == second.secret_key
    assert first.encryption_keys == second.encryption_keys


def test_kept_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    read(tmp_path)
    modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "secrets").iterdir()}
    assert modes == {"secret-key": 0o600, "encryption-key": 0o600}
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0


def test_processes_that_start_together_keep_one_secret(tmp_path: Path) -> None:
    made = iter(range(1000))
    with ThreadPoolExecutor(8) as pool:
        secrets = list(pool.map(lambda _: kept_secret(tmp_path, "key", lambda: str(next(made))), range(64)))
    assert len(set(secrets)) == 1
    assert [file.name for file in (tmp_path / "secrets").iterdir()] == ["key"]


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    key = Fernet.generate_key().decode()
    config = read(
        tmp_path,
        TIDEGATE_SECRET_KEY="hush",
        TIDEGATE_ENCRYPTION_KEYS=key,
        TIDEGATE_PIPEDRIVE_CLIENT_SECRET="hush2",
        DATABASE_URL="postgresql://u:hush3@localhost/db",
    )
    for secret in ("hush", key):
        assert secret not in repr(config)


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtp://mail.example.com", 25, False, False),
        ("smtp+tls://mail.example.com", 587, True, False),
        ("smtps://mail.example.com", 465, False, True),
        ("smtp+tls://mail.example.com:2525", 2525, True, False),
    ],
)
def test_a_mail_server_is_named_by_one_address(
    tmp_path: Path, url: str, port: int, tls: bool, ssl: bool
) -> None:
    server = read(tmp_path, TIDEGATE_MAIL_SERVER=url).mail_server

    assert (server["EMAIL_HOST"], server["EMAIL_PORT"]) == ("mail.example.com", port)
    assert (server["EMAIL_USE_TLS"], server["EMAIL_USE_SSL"]) == (tls, ssl)


def test_a_mail_servers_password_may_hold_any_sign_and_is_not_shown(tmp_path: Path) -> None:
    found = read(tmp_path, TIDEGATE_MAIL_SERVER="smtps://me%40example.com:p%3A%2Fss@mail.example.com")

    assert found.mail_server["EMAIL_HOST_USER"] == "me@example.com"
    assert found.mail_server["EMAIL_HOST_PASSWORD"] == "p:/ss"
    assert "p:/ss" not in repr(found)


def test_without_a_mail_server_there_is_none(tmp_path: Path) -> None:
    assert read(tmp_path).mail_server == {}


def test_a_file_may_hold_the_value(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    config = read(tmp_path, TIDEGATE_SECRET_KEY_FILE=str(tmp_path / "secret"))
    assert config.secret_key == "from the file"


def test_several_encryption_keys_may_be_given(tmp_path: Path) -> None:
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    assert read(tmp_path, TIDEGATE_ENCRYPTION_KEYS=", ".join(keys)).encryption_keys == tuple(keys)


def test_a_database_address_may_hold_quoted_signs(tmp_path: Path) -> None:
    url = "postgresql://us%40er:p%2Fw@db.example.com:6432/my%20db?sslmode=require"
    database = read(tmp_path, DATABASE_URL=url).database
    parts = [database[name] for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME")]
    assert parts == ["us@er", "p/w", "db.example.com", 6432, "my db"]
    assert database["OPTIONS"]["sslmode"] == "require"


@pytest.mark.parametrize("depth", range(1, 12))
def test_the_socket_path_is_never_too_long(depth: int) -> None:
    home = Path("/", *["directory1"] * depth)
    assert len(str(socket_directory(home) / ".s.PGSQL.5432")) <= 103


def test_homes_do_not_share_a_socket() -> None:
    deep = [Path("/", *["directory1"] * 12, name) for name in "ab"]
    assert socket_directory(deep[0]) != socket_directory(deep[1])


def test_the_example_file_names_every_setting_and_no_other() -> None:
    root = Path(__file__).parents[2]
    source = (root / "src" / "tidegate" / "config.py").read_text()
    read_by_us = set(re.findall(r'read\.\w+\(\s*"([A-Z_]+)"', source)) - {"TIDEGATE_TESTING"}
    example = (root / ".env.example").read_text()
    named = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)) - {"POSTGRES_PASSWORD"}
    assert named == read_by_us
