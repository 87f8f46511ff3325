"""Pages of a list: `limit` and `cursor` in, `data` and `next_cursor` out.

A cursor holds the place of the last item by the values it was ordered by (keyset), so a page costs the same at the
end of a million rows, and rows that come or go meanwhile neither double nor hide others.
"""

import base64
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import orjson
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from ninja import Field
from pydantic import BaseModel, ConfigDict

from tidegate.errors import Invalid

DEFAULT_LIMIT, MAX_LIMIT = 100, 500
T = TypeVar("T")
M = TypeVar("M", bound=Model)


class Page(BaseModel, Generic[T]):
    """One page of a list; `next_cursor` is null on the last one."""

    model_config = ConfigDict(from_attributes=True)

    data: list[T]
    next_cursor: str | None = None

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        return f"PageOf{params[0].__name__}"


class PageQuery(BaseModel):
    """Take it as `page: Query[PageQuery]`, or inherit from it and add filters."""

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="How many items at most.")
    cursor: str | None = Field(None, description="`next_cursor` of the page before.")


def page_of(
    rows: QuerySet[M], query: PageQuery, show: Callable[[M], T], *, order: Sequence[str] = ("pk",)
) -> Page[T]:
    """One page of these rows. `order` names columns, all rising or all falling ("-at", "-pk"), the last one unique."""
    names = [name.removeprefix("-") for name in order]
    if query.cursor is not None:
        rows = rows.filter(
            _past(_read_cursor(query.cursor, rows.model, names), names, falling=order[0][0] == "-")
        )
    found = list(rows.order_by(*order)[: query.limit + 1])
    shown = found[: query.limit]
    more = len(found) > query.limit
    return Page(
        data=[show(row) for row in shown], next_cursor=_make_cursor(shown[-1], names) if more else None
    )


def _past(values: Sequence[Any], names: Sequence[str], *, falling: bool) -> Q:
    """Rows behind this place: (a, b) > (1, 2) written out, since the ORM has no row values.

    The first condition follows from the others; it is what lets PostgreSQL start in the middle of an index.
    """
    beyond = "lt" if falling else "gt"
    condition = Q()
    for index, name in enumerate(names):
        equal = dict(zip(names[:index], values, strict=False))
        condition |= Q(**equal, **{f"{name}__{beyond}": values[index]})
    return Q(**{f"{names[0]}__{beyond}e": values[0]}) & condition


def _make_cursor(row: Model, names: Sequence[str]) -> str:
    values = [str(getattr(row, name)) for name in names]
    return base64.urlsafe_b64encode(orjson.dumps(values)).rstrip(b"=").decode()


def _read_cursor(cursor: str, model: type[Model], names: Sequence[str]) -> list[Any]:
    try:
        raw = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(raw, list) or len(raw) != len(names):
            raise ValueError(cursor)
        return [_field(model, name).to_python(value) for name, value in zip(names, raw, strict=True)]
    except (ValueError, TypeError, ValidationError) as error:
        message = "This cursor can't be read. Take next_cursor as it was given, or start without one."
        raise Invalid(errors={"cursor": [message]}) from error


def _field(model: type[Model], name: str) -> Any:
    return model._meta.pk if name == "pk" else model._meta.get_field(name)
