"""Requests made from the official documents: as documented, and wrong in every way that a caller can get them wrong.

Each value is drawn either as its schema wants it or as something else: of another type, out of range, too long,
null. Keys are left out, invented and repeated; bodies are malformed, of another content type, or not there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson
from hypothesis import strategies as st

from tests.openapi import Operation, plain

JSON = "application/json"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/"), max_size=12)
LONG = st.sampled_from([256, 5_000, 70_000]).map(lambda length: "ä" * length)
NUMBERS = st.sampled_from([0, 1, 2, 3, 4, 5, -1, 2**31 - 1, 2**31, 2**63 - 1, -(2**63)])
JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), NUMBERS, st.floats(allow_nan=False, allow_infinity=False), TEXTS, LONG,
    st.sampled_from([[], {}, [[]], [None], {"value": None}, "null", "1", "0000-00-00", "\x00", "%", "'", "' OR 1=1--", "1e400"]),
    st.lists(NUMBERS, max_size=3), st.dictionaries(TEXTS, NUMBERS, max_size=2),
)  # fmt: skip
BY_FORMAT = {
    "date": st.sampled_from(["2026-02-28", "2026-02-30", "0001-01-01", "9999-12-31", "26-1-1"]),
    "date-time": st.sampled_from(["2026-05-04T10:00:00Z", "2026-05-04T10:00:00.5Z", "2026-13-01T00:00:00Z"]),
    "uuid": st.sampled_from(["adf21080-0e10-11eb-879b-05d71fb426ec", "not-one"]),
}
MALFORMED = st.sampled_from(
    [b"{", b"[", b"nul", b'{"name": }', b"\xff\xfe", b'{"a":1}{"b":2}', b"name=Ada", b"[" * 600]
)
KINDS = st.sampled_from([JSON, JSON, JSON, "text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data", ""])  # fmt: skip
PATHS = [
    "1",
    "2",
    "3",
    "4",
    "5",
    "0",
    "-1",
    "1.5",
    "abc",
    "99999999",
    str(2**31),
    str(2**70),
    "9" * 5_000,
    "%00",
    "%F0%9F%8C%8A",
    "name",
    "f" * 40,
]


@dataclass(frozen=True)
class OddRequest:
    method: str
    target: str
    content: bytes
    kind: str

    def __str__(self) -> str:
        return f"{self.method} {self.target[:300]} {self.kind} {self.content[:300]!r}"


def odd_requests(operation: Operation, path: str) -> st.SearchStrategy[OddRequest]:
    """`path` is the route's template below /api."""
    document = operation.document
    listed = [each for each in document.get("parameters", []) if each["in"] == "query"]
    query = st.dictionaries(st.sampled_from(["nonsense", "limit", "cursor", "start", "ids"]), st.one_of(TEXTS, NUMBERS.map(str)), max_size=1)  # fmt: skip
    named = st.fixed_dictionaries(
        {each["name"]: in_query(each) for each in listed if each.get("required")},
        optional={each["name"]: in_query(each) for each in listed if not each.get("required")},
    )
    content = document.get("requestBody", {}).get("content", {}).get(JSON, {})
    return st.builds(
        _request,
        st.just(operation.method),
        targets(path),
        st.one_of(named, st.builds(lambda one, other: one | other, named, query)),
        bodies(content.get("schema")),
        st.one_of(st.just(JSON), st.just(JSON), st.just(JSON), KINDS),
    )


def _request(method: str, target: str, query: Mapping[str, str], content: bytes, kind: str) -> OddRequest:
    asked = "&".join(f"{quote(name)}={quote(value)}" for name, value in query.items())
    return OddRequest(method, f"/api{target}?{asked}" if asked else f"/api{target}", content, kind)


def targets(path: str) -> st.SearchStrategy[str]:
    parts = path.split("/")
    open_ = [place for place, part in enumerate(parts) if part.startswith("{")]
    likely = st.sampled_from([*PATHS[:3], *PATHS])

    def filled(values: list[str]) -> str:
        given = dict(zip(open_, values, strict=True))
        return "/".join(given.get(place, part) for place, part in enumerate(parts))

    return st.lists(likely, min_size=len(open_), max_size=len(open_)).map(filled)


def in_query(parameter: Mapping[str, Any]) -> st.SearchStrategy[str]:
    good = fitting(plain(parameter["schema"])).map(_as_text)
    return st.one_of(good, good, JUNK.map(_as_text)).map(lambda text: text[:100])


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def bodies(schema: Mapping[str, Any] | None) -> st.SearchStrategy[bytes]:
    if schema is None:
        return st.one_of(st.just(b""), st.just(b""), JUNK.map(orjson.dumps))
    wanted = plain(schema)
    good = fitting(wanted).map(orjson.dumps)
    bad = bent(wanted).map(orjson.dumps)
    return st.one_of(good, bad, bad, bad, JUNK.map(orjson.dumps), MALFORMED, st.just(b""))


def fitting(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """What the schema wants."""
    choices = schema.get("oneOf") or schema.get("anyOf")
    if choices:
        return st.one_of([fitting(each) for each in choices])
    if schema.get("enum"):
        return st.sampled_from(schema["enum"])
    kinds = schema.get("type", "object" if "properties" in schema else None)
    kind, *others = kinds if isinstance(kinds, list) else [kinds]
    good = _of_kind(kind, schema)
    return st.one_of(good, st.none()) if "null" in others else good


def _of_kind(kind: str | None, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    match kind:
        case "object":
            return _object(schema, fitting)
        case "array":
            return st.lists(fitting(schema.get("items", {})), max_size=3)
        case "integer":
            return NUMBERS
        case "number":
            return st.one_of(NUMBERS, st.floats(-1e9, 1e9))
        case "boolean":
            return st.booleans()
        case "string":
            # Never an address outside this machine: what is taken here may be called.
            local = st.just("http://127.0.0.1:9/hook")
            return BY_FORMAT.get(schema.get("format", ""), st.one_of(TEXTS, TEXTS, local, st.just("name")))
        case _:
            return st.one_of(TEXTS, NUMBERS)


def bent(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """What the schema wants, with something else in some places."""
    if "properties" in schema:
        return _object(schema, lambda inner: st.one_of(fitting(inner), fitting(inner), bent(inner)))
    if schema.get("type") == "array":
        return st.one_of(st.lists(bent(schema.get("items", {})), max_size=3), JUNK)
    return JUNK


def _object(schema: Mapping[str, Any], inner: Any) -> st.SearchStrategy[dict[str, Any]]:
    properties = schema.get("properties", {})
    required = set(schema.get("required", ()))
    listed = st.fixed_dictionaries(
        {name: inner(each) for name, each in properties.items() if name in required},
        optional={name: inner(each) for name, each in properties.items() if name not in required},
    )
    if inner is fitting:
        return listed
    return st.one_of(
        listed, st.builds(lambda one, other: one | other, listed, st.dictionaries(TEXTS, JUNK, max_size=1))
    )
