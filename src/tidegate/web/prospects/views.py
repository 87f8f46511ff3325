"""The views beside the table, and the numbers around it: a view is a link to a filter.

Numbers that nobody asked for are counted in a store of some 20,000, and for a short list of any store: a few dozen milliseconds.
Who of a million is in Pipedrive takes a second to count, so there the page does without.
"""

from dataclasses import dataclass
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tidegate.prospects import queries
from tidegate.prospects.queries import Sort
from tidegate.web.prospects.filters import REPLIED_LATELY, TableFilter, in_pipedrive

COUNTED_AMONG = 20_000
MISSING = (_("Not in Pipedrive yet"), TableFilter(pipedrive="missing"))
VIEWS = (
    (_("Replied in the last 7 days"), TableFilter(event=REPLIED_LATELY)),
    (_("Unverified e-mail"), TableFilter(status="unverified")),
    (_("Changed last"), TableFilter(sort=Sort.CHANGED_DOWN)),
)


@dataclass(frozen=True, slots=True)
class View:
    word: str | Promise
    query: str
    is_shown: bool
    number: int | None
    """How many it shows; None where that says nothing, or would take long."""


def views_of(workspace_id: UUID, shown: TableFilter, *, everybody: int, is_connected: bool) -> list[View]:
    counted = everybody <= COUNTED_AMONG
    return [
        View(
            word,
            view.query,
            is_shown=view.kept == shown.kept and (view.any or view.sort is shown.sort),
            number=queries.count(view.as_filter(workspace_id)) if counted and view.any else None,
        )
        for word, view in ([MISSING] if is_connected else []) + list(VIEWS)
    ]


def linked_among(workspace_id: UUID, shown: TableFilter, *, found: int, everybody: int) -> int | None:
    """How many of the list that is shown, or of everybody, are in Pipedrive; None where it would take long."""
    cheap = everybody <= COUNTED_AMONG or found <= queries.FEW
    if shown.any or not found or not cheap:
        return None
    linked = in_pipedrive("linked", workspace_id)
    return queries.count(queries.Filter(workspace_id, list_id=shown.list_id, also=linked))
