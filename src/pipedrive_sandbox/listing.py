"""The query of a v2 list: filters, sorting, paging, and which fields come back. Unknown parameters are refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipedrive_sandbox import checks
from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import Body, Problems, invalid, not_found
from pipedrive_sandbox.call import Call
from pipedrive_sandbox.records import SHIFT, Condition, Order
from pipedrive_sandbox.switches import Switches

MOST_IDS = 100
MOST_CUSTOM_FIELDS = 15
MOST_PER_PAGE = 500
FALSE_TRUE = {"true": True, "false": False}
RECORD_PARAMETERS = ("include_fields", "custom_fields", "include_option_labels", "include_labels")


@dataclass(frozen=True)
class Listing:
    """What a list of one entity allows. `filters`, `flags` and `texts` map a parameter to its SQL condition."""

    kind: str
    filters: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    sorts: tuple[str, ...] = ("id", "update_time", "add_time")
    ids: bool = True
    windows: bool = True
    saved_filters: bool = True
    includes: tuple[str, ...] = ()
    record_parameters: tuple[str, ...] = RECORD_PARAMETERS

    def parameters(self) -> set[str]:
        names = {
            "limit",
            "cursor",
            "sort_by",
            "sort_direction",
            *self.filters,
            *self.flags,
            *self.texts,
            *self.others,
            *self.record_parameters,
        }
        names |= {"ids"} if self.ids else set()
        names |= {"updated_since", "updated_until"} if self.windows else set()
        return names | ({"filter_id"} if self.saved_filters else set())


@dataclass
class Reader:
    """Reads query parameters and collects the complaints, so that one answer names them all."""

    query: Mapping[str, str]
    problems: Problems = field(default_factory=list)

    def allow(self, names: set[str]) -> None:
        unknown = [name for name in self.query if name not in names]
        self.problems += [(name, f"Parameter '{name}' is not allowed for this request") for name in unknown]

    def integer(self, name: str) -> int | None:
        text = self.query.get(name)
        if text is None:
            return None
        if text.isascii() and text.isdecimal() and len(text) <= 10:
            return int(text)
        self.problems.append((name, checks.not_a("integer")))
        return None

    def boolean(self, name: str) -> bool | None:
        text = self.query.get(name)
        if text is not None and text not in FALSE_TRUE:
            self.problems.append((name, checks.not_a("boolean")))
        return FALSE_TRUE.get(text or "")

    def choice(self, name: str, choices: tuple[str, ...]) -> str | None:
        text = self.query.get(name)
        if text is not None and text not in choices:
            self.problems.append((name, f"The value must be one of: {', '.join(choices)}"))
            return None
        return text

    def names(self, name: str, choices: tuple[str, ...] | None = None, most: int | None = None) -> list[str]:
        """A comma-separated list, every item one of `choices`."""
        text = self.query.get(name)
        items = [item.strip() for item in text.split(",")] if text else []
        if most is not None and len(items) > most:
            self.problems.append((name, f"A maximum of {most} values is allowed"))
        unknown = [item for item in items if choices is not None and item not in choices]
        if unknown:
            self.problems.append((name, f"Value '{unknown[0]}' is not allowed"))
        return items

    def ids(self, name: str) -> list[int] | None:
        if name not in self.query:
            return None
        items = self.names(name, most=MOST_IDS)
        if not items or not all(item.isascii() and item.isdecimal() and len(item) <= 10 for item in items):
            self.problems.append((name, "The value is not a valid list of ids"))
            return None
        return [int(item) for item in items]

    def moment(self, name: str) -> str | None:
        text = self.query.get(name)
        if text is not None and (complaint := checks.a_moment(text)):
            self.problems.append((name, complaint))
            return None
        return text

    def limit(self, switches: Switches, most: int = MOST_PER_PAGE, default: int = 100) -> int:
        limit = self.integer("limit")
        if limit is None:
            return default
        if limit > most and switches["limit_over_maximum"] == "cut":
            return most
        if not 1 <= limit <= most:
            self.problems.append(("limit", f"The value must be between 1 and {most}"))
        return limit

    def done(self) -> None:
        if self.problems:
            raise invalid(self.problems)


@dataclass(frozen=True)
class View:
    """How the records of an answer are to look."""

    includes: tuple[str, ...] = ()
    custom_fields: tuple[str, ...] | None = None
    option_labels: bool = False
    labels: bool = False


def view_of(reader: Reader, includes: tuple[str, ...]) -> View:
    custom = reader.names("custom_fields", most=MOST_CUSTOM_FIELDS)
    return View(
        includes=tuple(reader.names("include_fields", includes)),
        custom_fields=tuple(custom) if "custom_fields" in reader.query else None,
        option_labels=bool(reader.boolean("include_option_labels")),
        labels=bool(reader.boolean("include_labels")),
    )


def order_of(reader: Reader, switches: Switches, sorts: tuple[str, ...]) -> Order:
    return Order(
        by=reader.choice("sort_by", sorts) or "id",
        descending=reader.choice("sort_direction", ("asc", "desc")) == "desc",
        cursor=reader.query.get("cursor"),
        limit=reader.limit(switches),
    )


def listed(call: Call, listing: Listing, extra: list[Condition]) -> tuple[list[Body], str | None, View]:
    """The page of stored records that the query asks for, the next cursor, and the wished view."""
    reader = Reader(call.query)
    reader.allow(listing.parameters())
    account = call.account
    order = order_of(reader, account.state.switches, listing.sorts)
    view = view_of(reader, listing.includes)
    conditions = [*extra, *_filters(reader, listing, account.id)]
    filter_id = reader.integer("filter_id") if listing.saved_filters else None
    reader.done()
    if filter_id is not None:
        conditions = [*extra, *saved_filter(account, listing.kind, filter_id)]
    bodies, cursor = account.records(listing.kind).page(account.id, conditions, order)
    return bodies, cursor, view


def _filters(reader: Reader, listing: Listing, company: int) -> list[Condition]:
    conditions: list[Condition] = []
    for name, sql in listing.filters.items():
        if (number := reader.integer(name)) is not None:
            conditions.append((sql, (number,)))
    for name, sql in listing.flags.items():
        if (flag := reader.boolean(name)) is not None:
            conditions.append((sql, (flag,)))
    for name, sql in listing.texts.items():
        if name in reader.query:
            conditions.append((sql, (reader.query[name],)))
    if listing.windows:
        for name, compare in (("updated_since", ">="), ("updated_until", "<")):
            if (moment := reader.moment(name)) is not None:
                conditions.append((f"update_time {compare} ?", (moment,)))
    if listing.ids and (ids := reader.ids("ids")) is not None:
        keys: list[Any] = [company * SHIFT + number for number in ids]
        conditions.append((f"key IN ({', '.join('?' * len(keys))})", tuple(keys)))
    return conditions


def saved_filter(account: Account, kind: str, filter_id: int) -> list[Condition]:
    body = account.live("filter", filter_id)
    if body is None or body["entity"] != kind:
        raise not_found("Filter was not found")
    sql, values = body["sql"], tuple(body["sql_values"])
    return [(f"({sql})", values)]
