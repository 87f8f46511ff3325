"""The search index: it hears of a write some seconds late and forgets deleted records slowly or never.

A record's entries are (field, text) pairs. What a search shows of a record comes from the entries, so a hit can be
stale. Entries of a write wait in `search_waiting` until the clock reaches them.
"""

from collections.abc import Iterable
from typing import Any

import orjson

from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import Body
from pipedrive_sandbox.fields import field_set
from pipedrive_sandbox.records import SHIFT
from pipedrive_sandbox.state import State

SEARCHED_TYPES = ("address", "varchar", "text", "varchar_auto", "double", "monetary", "phone")
SEARCHED_KINDS = ("person", "organization", "deal", "lead")
Entry = tuple[str, str]


def note(account: Account, kind: str, body: Body) -> None:
    """A record was written: its entries follow after the search delay."""
    due = account.state.clock.now() + account.state.switches["search_delay"]
    _wait(account, kind, body["id"], due, entries_of(account, kind, body))


def note_deleted(account: Account, kind: str, record_id: int) -> None:
    switches = account.state.switches
    if kind == "organization" and switches["search_keeps_deleted_organizations"]:
        return
    keep = switches["search_keeps_deleted_persons"] if kind == "person" else switches["search_delay"]
    _wait(account, kind, record_id, account.state.clock.now() + keep, [])


def forget_no_more(account: Account, kind: str, record_id: int) -> None:
    """A restored record stays in the index, whatever its deletion had in store for it."""
    account.state.database.execute(
        "DELETE FROM search_waiting WHERE kind = ? AND key = ?", (kind, account.id * SHIFT + record_id)
    )


def _wait(account: Account, kind: str, record_id: int, due: float, entries: list[Entry]) -> None:
    account.state.database.execute(
        "INSERT INTO search_waiting (due, kind, key, entries) VALUES (?, ?, ?, ?)",
        (due, kind, account.id * SHIFT + record_id, orjson.dumps(entries)),
    )


def catch_up(state: State) -> None:
    """Take in what the index should know by now."""
    database = state.database
    due = database.execute(
        "SELECT id, kind, key, entries FROM search_waiting WHERE due <= ? ORDER BY due, id",
        (state.clock.now(),),
    ).fetchall()
    if not due:
        return
    with state.transaction():
        for waiting_id, kind, key, entries in due:
            database.execute("DELETE FROM search_entry WHERE key = ? AND kind = ?", (key, kind))
            insert(state, kind, key, orjson.loads(entries))
            database.execute("DELETE FROM search_waiting WHERE id = ?", (waiting_id,))


INSERT = "INSERT INTO search_entry VALUES (?, ?, ?, ?, ?)"


def insert(state: State, kind: str, key: int, entries: Iterable[Any]) -> None:
    state.database.executemany(
        INSERT, [(kind, key, field, value, value.casefold()) for field, value in entries]
    )


def insert_many(account: Account, kind: str, bodies: Iterable[Body]) -> None:
    """Take new records in at once, without the delay of the index."""
    first = account.id * SHIFT
    account.state.database.executemany(
        INSERT,
        [
            (kind, first + body["id"], field, value, value.casefold())
            for body in bodies
            for field, value in entries_of(account, kind, body)
        ],
    )


def entries_of(account: Account, kind: str, body: Body) -> list[Entry]:
    entries: list[Entry] = []
    if kind in ("person", "organization"):
        entries.append(("name", body["name"]))
    else:
        entries.append(("title", body["title"]))
    if kind == "person":
        entries += [("email", item["value"]) for item in body["emails"]]
        entries += [("phone", item["value"]) for item in body["phones"]]
    if kind == "organization" and body["address"]:
        entries.append(("address", body["address"]["value"]))
    custom = field_set(account, "deal" if kind == "lead" else kind).custom
    for code, value in body["custom_fields"].items():
        field = custom.get(code)
        if field is not None and field["field_type"] in SEARCHED_TYPES:
            plain = value["value"] if isinstance(value, dict) else value
            entries.append((f"custom_fields.{code}", str(plain)))
    return entries
