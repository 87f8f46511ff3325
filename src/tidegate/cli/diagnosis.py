"""What `tidegate doctor` looks at. Each check says what holds, or what is wrong and what to do about it."""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.error import URLError
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import DatabaseError, connection

from tidegate.cli.answers import call
from tidegate.cli.migrations import pending_migrations
from tidegate.config import config
from tidegate.errors import ConfigurationError
from tidegate.store import secrets
from tidegate.store.models import Connection, OAuthApp, Workspace
from tidegate.store.readiness import living_workers, worker_fault

OLDEST_POSTGRES = 15


class Level(StrEnum):
    GOOD = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True)
class Finding:
    level: Level
    subject: str
    text: str


Check = Callable[[], Iterator[Finding]]


def diagnose() -> Iterator[Finding]:
    """All findings, one check after the other. Without a database the checks that need it are left out."""
    yield from check_keys()
    yield from check_oauth_app()
    yield from check_public_address()
    yield from check_disk()
    found = list(check_database())
    yield from found
    if all(finding.level is not Level.FAULT for finding in found):
        for check in (check_workers, check_stored_secrets, check_time_zones):
            yield from check()


def check_keys() -> Iterator[Finding]:
    kept = config.home / "secrets" / "encryption-key"
    if kept.exists() and kept.read_text().strip() in config.encryption_keys:
        yield Finding(Level.GOOD, "Encryption keys", f"kept in {kept}; keep a copy of it in another place")
    else:
        yield Finding(Level.GOOD, "Encryption keys", f"{len(config.encryption_keys)} from the environment")


def check_oauth_app() -> Iterator[Finding]:
    callback = f"{config.public_url}/oauth/pipedrive/callback"
    if config.pipedrive_client_id and config.pipedrive_client_secret:
        yield Finding(Level.GOOD, "OAuth app", f"set; its callback must be {callback}")
        return
    if _is_app_entered():
        yield Finding(Level.GOOD, "OAuth app", f"entered on its page; its callback must be {callback}")
        return
    yield Finding(
        Level.WARNING,
        "OAuth app",
        "none: connecting by OAuth needs TIDEGATE_PIPEDRIVE_CLIENT_ID and TIDEGATE_PIPEDRIVE_CLIENT_SECRET",
    )


def _is_app_entered() -> bool:
    try:
        return OAuthApp.objects.exists()
    except DatabaseError:
        return False


def check_public_address() -> Iterator[Finding]:
    subject, url = "Public address", config.public_url
    parts = urlsplit(url)
    if parts.hostname in ("127.0.0.1", "localhost", "::1"):
        text = f"{url} is this machine alone: Pipedrive can't deliver changes to it. Set TIDEGATE_PUBLIC_URL"
        yield Finding(Level.WARNING, subject, text)
    elif parts.scheme != "https":
        yield Finding(
            Level.FAULT, subject, f"{url} is not https: Pipedrive accepts no other for its callbacks"
        )
    try:
        call(f"{url}/healthz", timeout=10)
    except (URLError, OSError, ValueError) as error:
        yield Finding(Level.WARNING, subject, f"{url} does not answer from here ({error}); does the web run?")
    else:
        yield Finding(Level.GOOD, subject, f"{url} answers")


def check_disk() -> Iterator[Finding]:
    free = shutil.disk_usage(config.home).free
    level = Level.GOOD if free > 1_000_000_000 else Level.WARNING
    yield Finding(level, "Disk", f"{free / 1e9:.1f} GB free at {config.home}")


def check_database() -> Iterator[Finding]:
    where = "embedded" if config.embedded else "from DATABASE_URL"
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version_num")
            version = int(cursor.fetchone()[0]) // 10000
            pids = set()
            for _ in range(5):
                cursor.execute("SELECT pg_backend_pid(), extract(epoch from clock_timestamp())")
                pid, now = cursor.fetchone()
                pids.add(pid)
    except DatabaseError as error:
        yield Finding(Level.FAULT, "Database", f"{where}: {' '.join(str(error).split())}")
        return
    if version < OLDEST_POSTGRES:
        text = f"PostgreSQL {version}, {where}: version {OLDEST_POSTGRES} or newer is needed"
        yield Finding(Level.FAULT, "Database", text)
        return
    yield Finding(Level.GOOD, "Database", f"PostgreSQL {version}, {where}")
    if len(pids) > 1:
        text = "a pooler shares sessions: give DATABASE_URL a direct connection, locks and wakes need one"
        yield Finding(Level.FAULT, "Database", text)
    if abs(float(now) - time.time()) > 5:
        text = f"its clock is {float(now) - time.time():+.0f} s from this machine's; set both by NTP"
        yield Finding(Level.WARNING, "Clocks", text)
    yield from check_migrations()


def check_migrations() -> Iterator[Finding]:
    pending = pending_migrations()
    if pending:
        text = f"{len(pending)} steps to this version are missing. Run: tidegate migrate"
        yield Finding(Level.FAULT, "Migrations", text)
    else:
        yield Finding(Level.GOOD, "Migrations", "the database is of this version")


def check_workers() -> Iterator[Finding]:
    fault = worker_fault()
    if fault:
        yield Finding(Level.FAULT, "Workers", fault)
    else:
        yield Finding(Level.GOOD, "Workers", f"{living_workers()} seen in the last half minute")


def check_stored_secrets() -> Iterator[Finding]:
    for stored in Connection.objects.filter(disconnected_at__isnull=True, secret__isnull=False):
        try:
            secrets.decrypt(bytes(stored.secret or b""))
        except ConfigurationError as error:
            yield Finding(Level.FAULT, "Encryption keys", f"{stored.company_name}: {error}")


def check_time_zones() -> Iterator[Finding]:
    for workspace in Workspace.objects.order_by("name"):
        try:
            ZoneInfo(workspace.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            text = (
                f"“{workspace.time_zone}” of {workspace.name} is unknown here. On Debian: apt install tzdata"
            )
            yield Finding(Level.FAULT, "Time zones", text)
