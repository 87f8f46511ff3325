"""Reading and writing the records of one kind.

Ids count from 1 in each company, so that records of two companies share ids as they do at Pipedrive. The row's key
holds both: `company * SHIFT + id`. A body keeps `id`, `add_time`, `update_time` and `is_deleted` whatever its kind.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from pipedrive_sandbox.answers import Body, invalid
from pipedrive_sandbox.database import Database, Kind

SHIFT = 1 << 36
FEW = 5_000
LARGEST_STORED = 1 << 63

FROM_KEY, DOWN_FROM_KEY = "key >= ?", "key <= ?"
"""Where a walk by id goes on, upwards and downwards."""

Condition = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Order:
    """How a list is walked: by one column and then by id, from a cursor on."""

    by: str = "id"
    descending: bool = False
    cursor: str | None = None
    limit: int = 100


class Records:
    def __init__(self, database: Database, kind: Kind) -> None:
        self.database = database
        self.kind = kind
        self.table = kind.name
        self._last_ids: dict[int, int] = {}
        self._selective = {f"{index.partition(', ')[2]} = ?" for index in kind.indexes}
        names = ("key", "company", "add_time", "update_time", "is_deleted", *kind.columns, "body")
        marks = ", ".join("?" * len(names))
        self._insert = f"INSERT OR REPLACE INTO {self.table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608
        self._select = f"SELECT body FROM {self.table} WHERE key = ?"  # noqa: S608

    def new_id(self, company: int) -> int:
        last = self._last_ids.get(company)
        if last is None:
            row = self.database.execute(
                f"SELECT max(key) FROM {self.table} WHERE key BETWEEN ? AND ?",  # noqa: S608
                (company * SHIFT, (company + 1) * SHIFT - 1),
            ).fetchone()
            last = 0 if row[0] is None else row[0] % SHIFT
        self._last_ids[company] = last + 1
        return last + 1

    def forget_ids(self) -> None:
        self._last_ids.clear()

    def save(self, company: int, body: Body) -> None:
        self.database.execute(self._insert, self._row(company, body))

    def save_many(self, company: int, bodies: Iterable[Body]) -> None:
        self.database.executemany(self._insert, (self._row(company, body) for body in bodies))

    def get(self, company: int, record_id: int) -> Body | None:
        if not 0 < record_id < SHIFT:
            return None
        row = self.database.execute(self._select, (company * SHIFT + record_id,)).fetchone()
        return None if row is None else orjson.loads(row[0])

    def where(self, company: int, *conditions: Condition, limit: int = -1, order: str = "key") -> list[Body]:
        here = self._here(company, conditions, walk_by_key=order.startswith("key"))
        sql, values = _joined([here, *conditions])
        rows = self.database.execute(
            f"SELECT body FROM {self.table} WHERE {sql} ORDER BY {order} LIMIT ?",  # noqa: S608
            (*values, limit),
        )
        return [orjson.loads(row[0]) for row in rows]

    def count(self, company: int, *conditions: Condition) -> int:
        sql, values = _joined([("company = ?", (company,)), *conditions])
        row = self.database.execute(f"SELECT count(*) FROM {self.table} WHERE {sql}", values).fetchone()  # noqa: S608
        return int(row[0])

    def count_all(self) -> int:
        """Rows of all companies."""
        return int(self.database.execute(f"SELECT count(*) FROM {self.table}").fetchone()[0])  # noqa: S608

    def total(self, company: int, key: str, *conditions: Condition) -> float:
        """The sum of one number over the documents."""
        sql, values = _joined([("company = ?", (company,)), *conditions])
        summed = f"coalesce(sum(json_extract(body, '$.{key}')), 0)"
        row = self.database.execute(f"SELECT {summed} FROM {self.table} WHERE {sql}", values).fetchone()  # noqa: S608
        return float(row[0])

    def remove(self, company: int, record_id: int) -> None:
        self.database.execute(f"DELETE FROM {self.table} WHERE key = ?", (company * SHIFT + record_id,))  # noqa: S608

    def page(self, company: int, conditions: list[Condition], order: Order) -> tuple[list[Body], str | None]:
        """One page of a list, and the cursor of the next one or None."""
        column = "key" if order.by == "id" else order.by
        if order.cursor is not None:  # in front: of two lower bounds SQLite seeks by the first
            conditions = [cursor_condition(company, column, order), *conditions]
        direction = "DESC" if order.descending else "ASC"
        sort = f"{column} {direction}" if column == "key" else f"{column} {direction}, key {direction}"
        bodies = self.where(company, *conditions, limit=order.limit + 1, order=sort)
        if len(bodies) <= order.limit:
            return bodies, None
        return bodies[: order.limit], cursor_to(bodies[order.limit], order)

    def _here(self, company: int, conditions: tuple[Condition, ...], *, walk_by_key: bool) -> Condition:
        """The company, said so that SQLite walks in the order wanted instead of sorting a million rows.

        A walk by id goes over the keys themselves, unless a condition leaves so few rows that an index is better. It begins at
        its cursor: given two lower bounds, SQLite may seek by the company's and read every row up to the cursor.
        """
        if not walk_by_key or self._is_narrow(company, conditions):
            return "company = ?", (company,)
        first, last = company * SHIFT, (company + 1) * SHIFT - 1
        began = {sql: values[0] for sql, values in conditions if sql in (FROM_KEY, DOWN_FROM_KEY)}
        return "key BETWEEN ? AND ?", (began.get(FROM_KEY, first), began.get(DOWN_FROM_KEY, last))

    def _is_narrow(self, company: int, conditions: tuple[Condition, ...]) -> bool:
        window = [condition for condition in conditions if condition[0].startswith("update_time ")]
        if any(sql in self._selective for sql, _ in conditions):
            return True
        if not window:
            return False
        sql, values = _joined([("company = ?", (company,)), ("is_deleted = 0", ()), *window])
        row = self.database.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM {self.table} WHERE {sql} LIMIT ?)",  # noqa: S608
            (*values, FEW),
        ).fetchone()
        return bool(row[0] < FEW)

    def _row(self, company: int, body: Body) -> tuple[Any, ...]:
        return (
            company * SHIFT + body["id"],
            company,
            body.get("add_time"),
            body.get("update_time"),
            body.get("is_deleted", False),
            *(_column(body, name) for name in self.kind.columns),
            orjson.dumps(body),
        )


def _joined(conditions: Iterable[Condition]) -> tuple[str, list[Any]]:
    sql, values = zip(*conditions, strict=True)
    return " AND ".join(sql), [value for group in values for value in group]


def _column(body: Body, name: str) -> Any:
    """A missing due date is an empty text, because a cursor cannot stand at NULL."""
    return (body.get(name) or "") if name == "due_date" else body.get(name)


def cursor_to(body: Body, order: Order) -> str:
    """The marker of the first record of the next page."""
    marker = {
        "field": order.by,
        "fieldValue": _column(body, order.by),
        "sortDirection": "desc" if order.descending else "asc",
        "id": body["id"],
    }
    return base64.urlsafe_b64encode(orjson.dumps(marker)).rstrip(b"=").decode()


def cursor_condition(company: int, column: str, order: Order) -> Condition:
    marker = read_cursor(order.cursor or "")
    direction = "desc" if order.descending else "asc"
    if marker.get("field") != order.by or marker.get("sortDirection") != direction:
        raise invalid([("cursor", "The cursor does not belong to this sorting")])
    compare = "<=" if order.descending else ">="
    key = company * SHIFT + marker["id"]
    if column == "key":
        return DOWN_FROM_KEY if order.descending else FROM_KEY, (key,)
    return f"({column}, key) {compare} (?, ?)", (marker["fieldValue"], key)


def read_cursor(text: str) -> Body:
    try:
        marker = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        marker = None
    if (
        not isinstance(marker, dict)
        or type(marker.get("id")) is not int
        or not 0 < marker["id"] < SHIFT
        or not _is_place(marker.get("fieldValue"))
    ):
        raise invalid([("cursor", "Invalid cursor")])
    return marker


def _is_place(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, int) and abs(value) < LARGEST_STORED)
