"""The server's settings: environment variables with the prefix TIDEGATE_, and DATABASE_URL.

Read once. What is missing or wrong becomes one `ConfigurationError` line that names the variable and gives an example;
`NAME_FILE` may point to a file that holds the value (for secrets mounted by a container). In the embedded mode the
secret key and the encryption key are made on first use and kept under TIDEGATE_HOME with rights for the owner alone.
"""

import hashlib
import os
import secrets
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from cryptography.fernet import Fernet

from tidegate.errors import ConfigurationError


@dataclass(frozen=True)
class Config:
    home: Path
    public_url: str
    database: dict[str, Any] = field(repr=False)
    embedded: bool
    secret_key: str = field(repr=False)
    encryption_keys: tuple[str, ...] = field(repr=False)
    web_bind: str
    web_port: int
    web_threads: int
    worker_concurrency: int
    """How many jobs one worker runs at once: lanes drained, mostly waiting for Pipedrive."""
    undo_days: int
    """How long an ended transfer can be undone."""
    mail_server: dict[str, Any] = field(repr=False)
    """Django's settings of the mail server that alerts and invitations go out by; empty where there is none."""
    mail_from: str
    sandbox_port: int
    pipedrive_client_id: str
    pipedrive_client_secret: str = field(repr=False)
    pipedrive_oauth_url: str
    pipedrive_api_url: str
    """Where personal tokens are used: `{domain}` stands for the company's sub-domain."""
    debug: bool
    testing: bool
    behind_proxy: bool
    allowed_hosts: list[str]


def read_config(environ: dict[str, str]) -> Config:
    """The configuration these variables describe. Raises ConfigurationError with one line for the operator."""
    read = _Reader(environ)
    home = Path(read.text("TIDEGATE_HOME", "./var")).expanduser().resolve()
    port = read.port("TIDEGATE_PORT", 8000)
    public_url = read.url("TIDEGATE_PUBLIC_URL", f"http://127.0.0.1:{port}")
    host = urlsplit(public_url).hostname or ""
    database_url = read.text("DATABASE_URL", "")
    return Config(
        home=home,
        public_url=public_url,
        database=database_from_url(database_url) if database_url else embedded_database(home),
        embedded=not database_url,
        secret_key=read.text("TIDEGATE_SECRET_KEY", "")
        or kept_secret(home, "secret-key", secrets.token_urlsafe),
        encryption_keys=read.keys("TIDEGATE_ENCRYPTION_KEYS")
        or (kept_secret(home, "encryption-key", lambda: Fernet.generate_key().decode()),),
        web_bind=read.text("TIDEGATE_BIND", "127.0.0.1"),
        web_port=port,
        web_threads=read.count("TIDEGATE_WEB_THREADS", 4, most=64),
        worker_concurrency=read.count("TIDEGATE_WORKER_CONCURRENCY", 10, most=80),
        undo_days=read.count("TIDEGATE_UNDO_DAYS", 30, most=365),
        mail_server=mail_server_from_url(read.text("TIDEGATE_MAIL_SERVER", "")),
        mail_from=read.text("TIDEGATE_MAIL_FROM", f"tidegate@{host}"),
        sandbox_port=read.port("SANDBOX_PORT", 9400),
        pipedrive_client_id=read.text("TIDEGATE_PIPEDRIVE_CLIENT_ID", ""),
        pipedrive_client_secret=read.text("TIDEGATE_PIPEDRIVE_CLIENT_SECRET", ""),
        pipedrive_oauth_url=read.url("TIDEGATE_PIPEDRIVE_OAUTH_URL", "https://oauth.pipedrive.com"),
        pipedrive_api_url=read.text("TIDEGATE_PIPEDRIVE_API_URL", "https://{domain}.pipedrive.com").rstrip(
            "/"
        ),
        debug=read.flag("TIDEGATE_DEBUG", default=False),
        testing=read.flag("TIDEGATE_TESTING", default="pytest" in sys.modules),
        behind_proxy=read.flag("TIDEGATE_BEHIND_PROXY", default=False),
        allowed_hosts=[
            name for name in {host, "127.0.0.1", "localhost", *read.words("TIDEGATE_ALLOWED_HOSTS")} if name
        ],
    )


class _Reader:
    """Reads one variable at a time and refuses what it can't understand."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ

    def text(self, name: str, default: str) -> str:
        path = self.environ.get(f"{name}_FILE")
        if path:
            try:
                return Path(path).read_text().strip()
            except OSError as error:
                raise ConfigurationError(
                    f"{name}_FILE points to {path}, which can't be read ({error.strerror}). Example: {name}_FILE=/run/secrets/value"
                ) from error
        return self.environ.get(name, "").strip() or default

    def flag(self, name: str, *, default: bool) -> bool:
        raw = self.text(name, "")
        if not raw:
            return default
        if raw.lower() not in ("true", "false"):
            raise ConfigurationError(
                f"{name} is “{raw}”, which is neither true nor false. Example: {name}=true"
            )
        return raw.lower() == "true"

    def port(self, name: str, default: int) -> int:
        raw = self.text(name, str(default))
        if not raw.isdigit() or not 0 < int(raw) < 65536:
            raise ConfigurationError(f"{name} is “{raw}”, which is not a port. Example: {name}={default}")
        return int(raw)

    def count(self, name: str, default: int, *, most: int) -> int:
        raw = self.text(name, str(default))
        if not raw.isdigit() or not 0 < int(raw) <= most:
            raise ConfigurationError(
                f"{name} is “{raw}”, which is not a number from 1 to {most}. Example: {name}={default}"
            )
        return int(raw)

    def url(self, name: str, default: str) -> str:
        raw = self.text(name, default).rstrip("/")
        parts = urlsplit(raw)
        if parts.scheme not in ("http", "https") or not parts.hostname or _port_of(parts) is None:
            raise ConfigurationError(
                f"{name} is “{raw}”, which is not a web address. Example: {name}={default}"
            )
        return raw

    def words(self, name: str) -> list[str]:
        return [word for word in self.text(name, "").replace(",", " ").split() if word]

    def keys(self, name: str) -> tuple[str, ...]:
        keys = tuple(self.words(name))
        for key in keys:
            try:
                Fernet(key)
            except ValueError as error:
                example = "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
                raise ConfigurationError(
                    f"{name} holds a key that can't be used. Make one with: {example}"
                ) from error
        return keys


def database_from_url(url: str) -> dict[str, Any]:
    """Django's description of a PostgreSQL named by an address like postgresql://user:password@host:5432/name."""
    parts = urlsplit(url)
    name = unquote(parts.path.lstrip("/"))
    if parts.scheme not in ("postgres", "postgresql") or not name or _port_of(parts) is None:
        example = "DATABASE_URL=postgresql://tidegate:password@localhost:5432/tidegate"
        raise ConfigurationError(f"DATABASE_URL does not name a PostgreSQL database. Example: {example}")
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    host = options.pop("host", parts.hostname or "")
    return _django_database(
        name, host=host, port=parts.port, user=parts.username, password=parts.password, options=options
    )


MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
"""How a mail server is spoken to -> its usual port: openly, with STARTTLS, or encrypted from the start."""


def mail_server_from_url(url: str) -> dict[str, Any]:
    """Django's settings of a mail server named by an address like smtp+tls://user:password@mail.example.com:587."""
    if not url:
        return {}
    parts = urlsplit(url)
    if parts.scheme not in MAIL_PORTS or not parts.hostname or _port_of(parts) is None:
        example = "TIDEGATE_MAIL_SERVER=smtp+tls://user:password@mail.example.com:587"
        raise ConfigurationError(f"TIDEGATE_MAIL_SERVER does not name a mail server. Example: {example}")
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or MAIL_PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_TIMEOUT": 20,
    }


def _port_of(parts: SplitResult) -> int | None:
    """The port of an address, 0 where it names none, None where it can't be read."""
    try:
        return parts.port or 0
    except ValueError:
        return None


def embedded_database(home: Path) -> dict[str, Any]:
    """Django's description of the embedded PostgreSQL under TIDEGATE_HOME: a UNIX socket, no network."""
    return _django_database(
        "tidegate", host=str(socket_directory(home)), port=None, user="postgres", password=None, options={}
    )


def socket_directory(home: Path) -> Path:
    """Where the embedded PostgreSQL has its socket: beside its data, or in /tmp where that path would be too long.

    The system limits a socket's path to 107 characters (103 on macOS), however deep TIDEGATE_HOME may be.
    """
    beside = home / "postgres"
    if len(os.fsencode(beside / ".s.PGSQL.5432")) <= 103:
        return beside
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path("/tmp") / f"tidegate-{digest}"  # noqa: S108 - the directory is made for its owner alone


def _django_database(
    name: str, *, host: str, port: int | None, user: str | None, password: str | None, options: dict[str, Any]
) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "HOST": host,
        "PORT": port or "",
        "USER": unquote(user or ""),
        "PASSWORD": unquote(password or ""),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 10, **options},
    }


def kept_secret(home: Path, name: str, make: Any) -> str:
    """A secret made once and kept in a file that only its owner can read."""
    path = home / "secrets" / name
    try:
        if not path.exists():
            _keep(path, make())
        return path.read_text().strip()
    except OSError as error:
        raise ConfigurationError(
            f"TIDEGATE_HOME is {home}, which can't be used ({error.strerror}). Example: TIDEGATE_HOME=./var"
        ) from error


def _keep(path: Path, secret: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret)
    # A link appears whole or not at all: processes that start together all read the first one's secret.
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


config = read_config(dict(os.environ))
