"""Many rows in one statement with one parameter: all of them as JSON, which PostgreSQL itself takes apart.

`bulk_create` makes an object, a dozen bound values and pieces of SQL of every row, which costs more of the processor than
deciding what the row says. What a batch leaves behind by the hundred goes this way; everything else goes through the models.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import orjson
from django.db import connection, models

Row = Mapping[str, object]


def put_rows(
    model: type[models.Model],
    rows: Sequence[Row],
    *,
    unique: tuple[str, ...] = (),
    update: tuple[str, ...] = (),
) -> None:
    """Insert rows: column -> value as JSON knows it, the same columns in each, and defaults are not filled in.

    Moments and UUIDs go as they are; what a binary column is to hold is given as its text. A row whose `unique` columns are
    there already changes the columns `update`, or without any is left out. No row may come twice in one call then.
    """
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_statement(model, tuple(rows[0]), unique, update), [orjson.dumps(rows).decode()])


@lru_cache(maxsize=64)
def _statement(
    model: type[models.Model], names: tuple[str, ...], unique: tuple[str, ...], update: tuple[str, ...]
) -> str:
    fields = {field.column: field for field in model._meta.concrete_fields}
    binary = {name for name in names if isinstance(fields[name], models.BinaryField)}
    columns = ", ".join(f'"{name}"' for name in names)
    given = ", ".join(f'"{name}" {"text" if name in binary else _type(fields[name])}' for name in names)
    chosen = ", ".join(f"convert_to(\"{name}\", 'UTF8')" if name in binary else f'"{name}"' for name in names)
    return (
        f'INSERT INTO "{model._meta.db_table}" ({columns}) '  # noqa: S608  names of our own models
        f"SELECT {chosen} FROM json_to_recordset(%s::json) AS given ({given}){_conflict(unique, update)}"
    )


def _type(field: "models.Field[object, object]") -> str:
    return str(field.rel_db_type(connection))


def _conflict(unique: tuple[str, ...], update: tuple[str, ...]) -> str:
    if not unique:
        return ""
    key = ", ".join(f'"{name}"' for name in unique)
    if not update:
        return f" ON CONFLICT ({key}) DO NOTHING"
    return f" ON CONFLICT ({key}) DO UPDATE SET " + ", ".join(
        f'"{name}" = EXCLUDED."{name}"' for name in update
    )
