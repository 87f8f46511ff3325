"""The one SQLite file that holds everything, and the transaction around each write.

One process and one connection: no two writes ever meet. Records are JSON documents with the columns that lists
filter and sort by copied out beside them.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of record: its table, the keys copied into columns, and the indexes over them."""

    name: str
    columns: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()


KINDS = {
    kind.name: kind
    for kind in (
        Kind("user", ("api_token", "email"), ("api_token",)),
        Kind("person", ("owner_id", "org_id", "visible_to"), ("company, org_id", "company, owner_id")),
        Kind("organization", ("owner_id", "visible_to"), ("company, owner_id",)),
        Kind(
            "deal",
            (
                "owner_id",
                "person_id",
                "org_id",
                "pipeline_id",
                "stage_id",
                "status",
                "is_archived",
                "visible_to",
            ),
            ("company, person_id", "company, org_id", "company, stage_id", "company, owner_id"),
        ),
        Kind(
            "activity",
            ("owner_id", "person_id", "org_id", "deal_id", "lead_id", "done", "due_date"),
            ("company, person_id", "company, org_id", "company, deal_id", "company, owner_id"),
        ),
        Kind("pipeline", ("order_nr",)),
        Kind("stage", ("pipeline_id", "order_nr")),
        Kind(
            "note",
            ("user_id", "person_id", "org_id", "deal_id", "lead_id"),
            ("company, person_id", "company, org_id", "company, deal_id"),
        ),
        Kind("activity_type"),
        Kind("filter", ("type",)),
        Kind("lead", ("uuid", "owner_id", "person_id", "organization_id", "is_archived"), ("company, uuid",)),
        Kind("lead_label", ("uuid",), ("company, uuid",)),
        Kind("field", ("entity", "code"), ("company, entity",)),
        Kind("webhook", ("owner_id", "client_id")),
    )
}

PLAIN_TABLES = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS company (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS app (client_id TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS install (
    id INTEGER PRIMARY KEY, client_id TEXT NOT NULL, company INTEGER NOT NULL, user INTEGER NOT NULL,
    scopes TEXT NOT NULL, refresh_token TEXT NOT NULL, refresh_until REAL NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS install_refresh ON install (refresh_token);
CREATE UNIQUE INDEX IF NOT EXISTS install_who ON install (client_id, company, user);
CREATE TABLE IF NOT EXISTS spent_refresh_token (token TEXT PRIMARY KEY, install INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS access_token (
    token TEXT PRIMARY KEY, install INTEGER NOT NULL, until REAL NOT NULL);
CREATE TABLE IF NOT EXISTS code (
    code TEXT PRIMARY KEY, client_id TEXT NOT NULL, company INTEGER NOT NULL, user INTEGER NOT NULL,
    scopes TEXT NOT NULL, redirect_uri TEXT NOT NULL, until REAL NOT NULL, used INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS delivery (
    id INTEGER PRIMARY KEY, company INTEGER NOT NULL, webhook INTEGER NOT NULL, entity TEXT NOT NULL,
    action TEXT NOT NULL, entity_id TEXT NOT NULL, attempt INTEGER NOT NULL, due REAL NOT NULL, state TEXT NOT NULL,
    created REAL NOT NULL, status INTEGER, error TEXT, payload BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (due) WHERE state = 'waiting';
CREATE TABLE IF NOT EXISTS search_entry (
    kind TEXT NOT NULL, key INTEGER NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, folded TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS search_entry_record ON search_entry (key, kind);
CREATE INDEX IF NOT EXISTS search_entry_value ON search_entry (folded);
CREATE TABLE IF NOT EXISTS search_waiting (
    id INTEGER PRIMARY KEY, due REAL NOT NULL, kind TEXT NOT NULL, key INTEGER NOT NULL, entries BLOB);
CREATE TABLE IF NOT EXISTS follower (
    kind TEXT NOT NULL, key INTEGER NOT NULL, user_id INTEGER NOT NULL, add_time TEXT NOT NULL,
    PRIMARY KEY (kind, key, user_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history (
    id INTEGER PRIMARY KEY, company INTEGER NOT NULL, kind TEXT NOT NULL, record INTEGER NOT NULL,
    moment REAL NOT NULL, user_id INTEGER NOT NULL, source TEXT NOT NULL, changes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS touched (
    kind TEXT NOT NULL, key INTEGER NOT NULL, moment REAL NOT NULL, user_id INTEGER NOT NULL, client_id TEXT,
    PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS history_record ON history (company, kind, record);
"""


def table_of(kind: Kind) -> str:
    columns = "".join(f", {name}" for name in kind.columns)
    indexes = ["company, is_deleted, update_time", "company, is_deleted, add_time", *kind.indexes]
    return (
        f"CREATE TABLE IF NOT EXISTS {kind.name} (key INTEGER PRIMARY KEY, company INTEGER NOT NULL, "
        + (f"add_time TEXT, update_time TEXT, is_deleted INTEGER NOT NULL{columns}, body BLOB NOT NULL);\n")
        + "".join(
            f"CREATE INDEX IF NOT EXISTS {kind.name}_{number} ON {kind.name} ({columns});\n"
            for number, columns in enumerate(indexes)
        )
    )


SCHEMA = PLAIN_TABLES + "".join(table_of(kind) for kind in KINDS.values())
INDEXES = [line for line in SCHEMA.splitlines() if line.startswith("CREATE INDEX")]
"""Each makes its index where it is missing, and is nothing to do where it is there."""

VERSION = 3
"""Raised whenever a table changes; a file of another version is refused, not guessed at."""


class WrongVersion(Exception):
    """The state file was made by another version of the sandbox."""


class Database:
    def __init__(self, path: str) -> None:
        self.path = path
        self.connection = sqlite3.connect(path, isolation_level=None, cached_statements=512)
        # Losing the last moments of a sandbox in a power cut is no loss; a file sync on every write would be.
        self.connection.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA cache_size=-131072;"
        )
        found = self.connection.execute("PRAGMA user_version").fetchone()[0]
        used = self.connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if used and found != VERSION:
            self.connection.close()
            raise WrongVersion(
                f"{path} was made by another version of the sandbox. Start with --fresh to empty it."
            )
        self.connection.execute(f"PRAGMA user_version={VERSION}")
        self.connection.executescript(SCHEMA)
        self.execute = self.connection.execute
        self.executemany = self.connection.executemany

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self.connection.in_transaction:
            yield
            return
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")

    def drop_indexes(self, *tables: str) -> None:
        """So that very many rows go in quickly; `make_indexes` brings them back, and so does the next start."""
        marks = ", ".join("?" * len(tables))
        of_these = f"SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name IN ({marks}) AND sql IS NOT NULL"  # noqa: S608
        for (name,) in self.execute(of_these, tables).fetchall():
            self.execute(f"DROP INDEX {name}")

    def make_indexes(self) -> None:
        for index in INDEXES:
            self.execute(index)

    def forget_company(self, company: int, keys: range) -> None:
        """All of one company, whose records have these keys."""
        by_key = [*KINDS, "search_entry", "search_waiting", "follower", "touched"]
        for table in by_key:
            self.execute(
                f"DELETE FROM {table} WHERE key >= ? AND key < ?",  # noqa: S608  the names are our own tables
                (keys.start, keys.stop),
            )
        for table in ("install", "code", "delivery", "history"):
            self.execute(f"DELETE FROM {table} WHERE company = ?", (company,))  # noqa: S608
        self.execute("DELETE FROM company WHERE id = ?", (company,))

    def empty(self) -> None:
        """Forget everything but the table definitions."""
        names = [row[0] for row in self.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        with self.transaction():
            for name in names:
                self.execute(f"DELETE FROM {name}")  # noqa: S608  the names are our own tables

    def close(self) -> None:
        self.connection.close()
