"""Many new rows at once by PostgreSQL's COPY: half the price of an INSERT with as many values."""

from collections.abc import Sequence
from typing import Any

import orjson
from django.db import connection
from django.db.models import JSONField, Model


def copy_in(rows: Sequence[Model]) -> None:
    """Insert rows of one model and give them their ids. Related rows must have theirs. Within a transaction."""
    if not rows:
        return
    meta = rows[0]._meta
    fields = meta.concrete_fields
    with connection.cursor() as cursor:
        sequence = "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)"
        cursor.execute(sequence, [meta.db_table, meta.pk.column, len(rows)])
        for row, (row_id,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = row_id
            row._state.adding, row._state.db = False, connection.alias
        columns = ", ".join(f'"{field.column}"' for field in fields)
        plain: Any = cursor
        with plain.copy(f'COPY "{meta.db_table}" ({columns}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row([_value(field, getattr(row, field.attname)) for field in fields])


def _value(field: Any, value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(field, JSONField) else value
