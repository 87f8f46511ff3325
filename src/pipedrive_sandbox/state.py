"""Everything the sandbox remembers: the database, the clock, the switches, and the events of the running write.

A write runs inside `state.transaction()`. Its events become webhook deliveries in the same transaction, and whoever
waits for deliveries is woken after the commit, so that no delivery ever tells of something that was rolled back.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from pipedrive_sandbox.answers import Body
from pipedrive_sandbox.clock import Clock
from pipedrive_sandbox.database import KINDS, Database
from pipedrive_sandbox.records import SHIFT, Records
from pipedrive_sandbox.switches import Switches

HISTORY_KINDS = ("person", "organization", "deal")
NO_HISTORY = ("update_time", "custom_fields", "marketing_status_changed")


@dataclass(frozen=True)
class Actor:
    """Who does something: a user through the web pages (`app`) or through the API (`api`), there maybe by an app."""

    user_id: int
    source: str = "api"
    is_bulk: bool = False
    client_id: str | None = None


@dataclass(frozen=True)
class Event:
    company: int
    entity: str
    action: str
    record_id: int | str
    before: Body | None
    after: Body | None
    actor: Actor
    meta: dict[str, str] = field(default_factory=dict)


class State:
    def __init__(self, path: str = ":memory:") -> None:
        self.database = Database(path)
        self.records = {name: Records(self.database, kind) for name, kind in KINDS.items()}
        self.clock = Clock(self.setting("clock_offset", 0.0))
        self.switches = Switches(self.setting("switches", {}))
        self.company_cache: dict[int, Body] = {}
        self.field_cache: dict[tuple[int, str], Any] = {}
        self.webhook_cache: dict[int, list[Body]] = {}
        self.before_commit: list[Callable[[list[Event]], None]] = []
        self.after_commit: list[Callable[[], None]] = []
        self._events: list[Event] = []
        for company in self.setting("unfinished", []):
            self.forget_unfinished(company)

    def emit(self, event: Event) -> None:
        self._events.append(event)
        if event.entity in HISTORY_KINDS:
            self._note_touch(event)
        if event.entity in HISTORY_KINDS and event.before is not None and event.after is not None:
            self._keep_history(event, event.before, event.after)

    def _note_touch(self, event: Event) -> None:
        """Who changed a record last, for the pages: the API tells nobody."""
        self.database.execute(
            "INSERT OR REPLACE INTO touched VALUES (?, ?, ?, ?, ?)",
            (
                event.entity,
                event.company * SHIFT + int(event.record_id),
                self.clock.now(),
                event.actor.user_id,
                event.actor.client_id,
            ),
        )

    def _keep_history(self, event: Event, before: Body, after: Body) -> None:
        changes = {
            key: (before.get(key), value)
            for key, value in after.items()
            if key not in NO_HISTORY and before.get(key) != value
        }
        old, new = before["custom_fields"], after["custom_fields"]
        changes |= {key: (old.get(key), new.get(key)) for key in old | new if old.get(key) != new.get(key)}
        if changes:
            self.database.execute(
                "INSERT INTO history (company, kind, record, moment, user_id, source, changes)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    event.company,
                    event.entity,
                    event.record_id,
                    self.clock.now(),
                    event.actor.user_id,
                    event.actor.source,
                    orjson.dumps(changes),
                ),
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self.database.connection.in_transaction:
            yield
            return
        try:
            with self.database.transaction():
                yield
                if self._events:
                    for step in self.before_commit:
                        step(self._events)
        except BaseException:
            self._forget_caches()
            raise
        finally:
            told = bool(self._events)
            self._events = []
        if told:
            for tell in self.after_commit:
                tell()

    def setting(self, name: str, default: Any) -> Any:
        row = self.database.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return default if row is None else orjson.loads(row[0])

    def keep_setting(self, name: str, value: Any) -> None:
        self.database.execute(
            "INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, orjson.dumps(value).decode())
        )

    def keep_clock(self) -> None:
        self.keep_setting("clock_offset", self.clock.offset)

    def empty(self) -> None:
        """Back to nothing; the clock keeps its time and the switches go back to their defaults."""
        self.database.empty()
        self.switches = Switches()
        self.keep_clock()
        self._forget_caches()

    def _forget_caches(self) -> None:
        self.company_cache.clear()
        self.field_cache.clear()
        self.webhook_cache.clear()
        for records in self.records.values():
            records.forget_ids()

    def companies(self) -> list[Body]:
        rows = self.database.execute("SELECT id FROM company ORDER BY id").fetchall()
        return [company for row in rows if (company := self.company(row[0]))]

    def company(self, company_id: int) -> Body | None:
        """To be read only: every call asks for it, so all get the same one."""
        if company_id not in self.company_cache:
            row = self.database.execute("SELECT body FROM company WHERE id = ?", (company_id,)).fetchone()
            if row is None:
                return None
            self.company_cache[company_id] = orjson.loads(row[0])
        return self.company_cache[company_id]

    def save_company(self, body: Body) -> None:
        self.company_cache.pop(body["id"], None)
        self.database.execute(
            "INSERT OR REPLACE INTO company VALUES (?, ?)", (body["id"], orjson.dumps(body))
        )

    def begin_company(self, company_id: int) -> None:
        """From here to `end_company` its records are put in by many transactions, and half of them are worth nothing."""
        self.keep_setting("unfinished", [*self.setting("unfinished", []), company_id])

    def end_company(self, company_id: int) -> None:
        self.keep_setting("unfinished", [one for one in self.setting("unfinished", []) if one != company_id])

    def forget_unfinished(self, company_id: int) -> None:
        with self.transaction():
            self.database.forget_company(company_id, range(company_id * SHIFT, (company_id + 1) * SHIFT))
            self.database.execute("DELETE FROM setting WHERE name = ?", (last_option(company_id),))
            self.end_company(company_id)
        self._forget_caches()


def last_option(company_id: int) -> str:
    """The setting that holds the highest option id a company ever used: they count on, whatever is deleted."""
    return f"last_option_{company_id}"
