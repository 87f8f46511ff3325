"""The calls Tidegate makes: address, price in API tokens, and the scopes of which one opens it.

Prices and scopes as the official OpenAPI documents of 2026-08-18 name them; a test compares.
"""

from dataclasses import dataclass

from tidegate.core.transfer import LOOK, reads_by_id


@dataclass(frozen=True, slots=True)
class Endpoint:
    method: str
    path: str
    tokens: int
    scopes: tuple[str, ...]
    search: bool = False

    @property
    def reads(self) -> bool:
        return self.method == "GET"


_CONTACTS = ("contacts:read", "contacts:full")
_WRITE_CONTACTS = ("contacts:full",)
_DEALS = ("deals:read", "deals:full", "admin")
_SALES = ("deals:read", "deals:full")
_WRITE_SALES = ("deals:full",)
_ACTIVITIES = ("activities:read", "activities:full")
_WRITE_ACTIVITIES = ("activities:full",)
# The OpenAPI document asks for `admin`, the changelog of 2024-01-26 for webhooks:full: either is taken.
# https://developers.pipedrive.com/changelog/post/introducing-new-oauth-scopes-for-webhooks
_WEBHOOKS = ("webhooks:full", "admin")

WHO_AM_I = Endpoint("GET", "/api/v1/users/me", 2, ("base",))
USERS = Endpoint("GET", "/api/v1/users", 20, ("users:read",))

PERSON_FIELDS = Endpoint("GET", "/api/v2/personFields", 10, (*_CONTACTS, "admin", "contact-fields:full"))
# Options take contacts:full; a field is made by whoever may define fields.
CREATE_PERSON_FIELD = Endpoint("POST", "/api/v2/personFields", 5, ("contact-fields:full", "admin"))
ADD_OPTIONS = Endpoint(
    "POST",
    "/api/v2/personFields/{id}/options",
    5,
    (*_WRITE_CONTACTS, "contact-fields:full", "admin"),
)
FILTERS = Endpoint("GET", "/api/v1/filters", 20, (*_CONTACTS, "deals:read", "deals:full"))
PIPELINES = Endpoint("GET", "/api/v2/pipelines", 5, _DEALS)
STAGES = Endpoint("GET", "/api/v2/stages", 5, _DEALS)

PERSONS = Endpoint("GET", "/api/v2/persons", 10, _CONTACTS)
PERSON = Endpoint("GET", "/api/v2/persons/{id}", 1, _CONTACTS)
CREATE_PERSON = Endpoint("POST", "/api/v2/persons", 5, _WRITE_CONTACTS)
UPDATE_PERSON = Endpoint("PATCH", "/api/v2/persons/{id}", 5, _WRITE_CONTACTS)
DELETE_PERSON = Endpoint("DELETE", "/api/v2/persons/{id}", 3, _WRITE_CONTACTS)

ORGANIZATIONS = Endpoint("GET", "/api/v2/organizations", 10, _CONTACTS)
ORGANIZATION = Endpoint("GET", "/api/v2/organizations/{id}", 1, _CONTACTS)
CREATE_ORGANIZATION = Endpoint("POST", "/api/v2/organizations", 5, _WRITE_CONTACTS)
DELETE_ORGANIZATION = Endpoint("DELETE", "/api/v2/organizations/{id}", 3, _WRITE_CONTACTS)

DEALS = Endpoint("GET", "/api/v2/deals", 10, _SALES)
DEAL = Endpoint("GET", "/api/v2/deals/{id}", 1, _SALES)
CREATE_DEAL = Endpoint("POST", "/api/v2/deals", 5, _WRITE_SALES)
UPDATE_DEAL = Endpoint("PATCH", "/api/v2/deals/{id}", 5, _WRITE_SALES)

ACTIVITIES = Endpoint("GET", "/api/v2/activities", 10, _ACTIVITIES)
CREATE_ACTIVITY = Endpoint("POST", "/api/v2/activities", 5, _WRITE_ACTIVITIES)
UPDATE_ACTIVITY = Endpoint("PATCH", "/api/v2/activities/{id}", 5, _WRITE_ACTIVITIES)
ACTIVITY_TYPES = Endpoint("GET", "/api/v1/activityTypes", 20, (*_ACTIVITIES, "admin"))

WEBHOOKS = Endpoint("GET", "/api/v1/webhooks", 10, _WEBHOOKS)
CREATE_WEBHOOK = Endpoint("POST", "/api/v1/webhooks", 10, _WEBHOOKS)
DELETE_WEBHOOK = Endpoint("DELETE", "/api/v1/webhooks/{id}", 6, _WEBHOOKS)

IDS_A_CALL = LOOK
"""How many records one call by `ids=` can name."""
PAGE = 500


def calls_for(count: int, *, one: Endpoint, many: Endpoint) -> tuple[int, int]:
    """How to read `count` records cheapest: calls by `ids=`, and single reads for the rest."""
    return reads_by_id(count, one=one.tokens, many=many.tokens)
