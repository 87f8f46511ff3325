"""What the app at Pipedrive may do, as the connection's authorisation tells: how much of it, and what is lacking."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from tidegate.store.models import Connection

SCOPES = (
    (
        "contacts:full",
        gettext_lazy("Contacts, full access"),
        gettext_lazy("Create and update people and organizations, read their fields"),
    ),
    (
        "deals:full",
        gettext_lazy("Deals, full access"),
        gettext_lazy("Create deals and move them between stages, only in automations you switch on"),
    ),
    (
        "activities:full",
        gettext_lazy("Activities, full access"),
        gettext_lazy("Add campaign e-mails as done activities, and tasks from automations"),
    ),
    (
        "contact-fields:full",
        gettext_lazy("Contact fields, full access"),
        gettext_lazy("Create a missing field for you when you map fields. Optional"),
    ),
    (
        "users:read",
        gettext_lazy("Users, read"),
        gettext_lazy("Let you choose who owns what Tidegate creates"),
    ),
    (
        "webhooks:full",
        gettext_lazy("Webhooks, full access"),
        gettext_lazy("Hear about changes within seconds"),
    ),
)
"""What the app at Pipedrive must be allowed to do. Pipedrive adds `base`, which tells the company and the user."""


@dataclass(frozen=True, slots=True)
class Permissions:
    granted: int
    all: int
    """0 where a personal token connects, which may what its user may, and where Pipedrive told nothing."""
    lacking: tuple[str | Promise, ...] = ()


def permissions_of(connection: Connection) -> Permissions:
    """Pipedrive's `base`, which is always on, counts, as its own page lists it."""
    given = set(connection.scopes)
    if connection.auth_method != "oauth" or not given:
        return Permissions(0, 0)
    if "admin" in given:
        given.add("webhooks:full")
    lacking = tuple(name for scope, name, _use in SCOPES if scope not in given)
    return Permissions(len(SCOPES) + 1 - len(lacking), len(SCOPES) + 1, lacking)
