"""The manners of API v1: lenient input, `start` and `limit`, three kinds of envelope, times without a zone.

Numbers may come as text, flags as 0 and 1, and keys that nobody knows are passed over.
"""

from collections.abc import Mapping
from typing import Any

from pipedrive_sandbox import checks
from pipedrive_sandbox.answers import Answer, Body, bad_request
from pipedrive_sandbox.clock import v1_time

MOST_PER_PAGE = 500
LARGEST_NUMBER = 2**53 - 1
"""What a number of JavaScript holds exactly."""
FLAGS = {
    1: True,
    0: False,
    "1": True,
    "0": False,
    "true": True,
    "false": False,
}  # 1 and 0 are True and False too


def integer(given: Mapping[str, Any], key: str) -> int | None:
    """The id under a key; text of digits will do, nothing and an empty text mean none."""
    value = given.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 10:
        return int(value)
    if type(value) is int and abs(value) <= LARGEST_NUMBER:
        return value
    raise bad_request(f"{key} is invalid")


def flag(given: Mapping[str, Any], key: str, default: bool | None = None) -> bool | None:
    value = given.get(key)
    if value is None:
        return default
    if isinstance(value, bool | int | str) and value in FLAGS:
        return FLAGS[value]
    raise bad_request(f"{key} is invalid")


def required_text(given: Mapping[str, Any], key: str, name: str, most: int = 255) -> str:
    value = given.get(key)
    if not isinstance(value, str) or not value.strip():
        raise bad_request(f"{name} must be given.")
    if len(value) > most:
        raise bad_request(f"{name} must not be longer than {most} characters.")
    return value.strip()


def object_body(body: Any) -> Body:
    if not isinstance(body, dict):
        raise bad_request("The body must be an object.")
    return body


def window(query: Mapping[str, str], most: int = MOST_PER_PAGE) -> tuple[int, int]:
    """`start` and `limit`; v1 cuts a limit that is too high."""
    start, limit = integer(query, "start") or 0, integer(query, "limit")
    if limit is not None and limit < 1:
        raise bad_request("limit is invalid")
    return start, min(limit or 100, most)


def moment(query: Mapping[str, str], key: str) -> str | None:
    text = query.get(key)
    if text is None:
        return None
    if checks.a_v1_moment(text) is None:
        return text.replace(" ", "T") + "Z"
    if checks.a_moment(text) is None:
        return text
    raise bad_request(f"{key} is invalid")


def paginated(records: list[Any], start: int, limit: int) -> Answer:
    """The first kind of envelope: `pagination` inside, `next_start` only where more follows.

    `records` holds one more than the limit when there is more.
    """
    more = len(records) > limit
    pagination: Body = {"start": start, "limit": limit, "more_items_in_collection": more}
    if more:
        pagination["next_start"] = start + limit
    return Answer({"success": True, "data": records[:limit], "additional_data": {"pagination": pagination}})


def flat_page(records: list[Any], start: int, limit: int) -> Answer:
    """The second kind: the same without `next_start` and without the box around it."""
    more = len(records) > limit
    extra = {"start": start, "limit": limit, "more_items_in_collection": more}
    return Answer({"success": True, "data": records[:limit], "additional_data": extra})


def stamps(body: Body) -> Body:
    return {"add_time": v1_time(body["add_time"]), "update_time": v1_time(body["update_time"])}


def sorted_by(query: Mapping[str, str], allowed: tuple[str, ...], default: str = "key") -> str:
    """`sort=name ASC, other DESC` as SQL over columns and document keys."""
    text = query.get("sort", "").strip()
    if not text:
        return default
    parts = []
    for item in text.split(","):
        name, _, direction = item.strip().partition(" ")
        if name not in allowed or direction.strip().upper() not in ("", "ASC", "DESC"):
            raise bad_request("sort is invalid")
        parts.append(f"json_extract(body, '$.{name}') {direction.strip().upper()}")
    return ", ".join([*parts, "key"])
