"""One call of the API in plain values, and the route it came by.

A resource module offers `ROUTES`; the table of them all (`routes.table()`) is what the server matches, what the
limits charge by and what a conformance test compares with the official documents.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pipedrive_sandbox.account import Account
from pipedrive_sandbox.answers import Answer, Body, invalid
from pipedrive_sandbox.state import Actor

BEYOND_ALL_IDS = 2**35
LONGEST_NUMBER = 4_000
"""Digits. Python itself refuses to read much longer ones."""


def whole_number(text: str) -> int | None:
    """The number that a text of plain digits names."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER
    return int(text) if is_number else None


@dataclass
class Call:
    account: Account
    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    client_id: str | None = None
    base_url: str = "http://127.0.0.1"

    @property
    def actor(self) -> Actor:
        return Actor(self.account.user_id, "api", client_id=self.client_id)

    def id(self, name: str = "id") -> int:
        number = whole_number(self.path[name])
        if not number:
            raise invalid([(name, "The value is not a valid 'integer'")])
        return min(number, BEYOND_ALL_IDS)

    def no_query(self, *allowed: str) -> None:
        problems = [
            (k, f"Parameter '{k}' is not allowed for this request") for k in self.query if k not in allowed
        ]
        if problems:
            raise invalid(problems)


Handler = Callable[[Call], Answer]


@dataclass(frozen=True)
class Route:
    """`scopes` lists the scopes of which any one opens the call to an OAuth app."""

    version: str
    method: str
    path: str
    cost: int
    scopes: tuple[str, ...]
    handler: Handler
    takes_body: bool = False
    is_search: bool = False

    def described(self) -> Body:
        return {
            "version": self.version,
            "method": self.method,
            "path": self.path,
            "cost": self.cost,
            "scopes": list(self.scopes),
            "search": self.is_search,
        }
