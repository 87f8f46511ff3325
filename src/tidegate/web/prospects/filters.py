"""What the table of prospects shows: search, list, statuses, event, order and page, as the address says.

An unknown value in the address asks for nothing instead of failing: old links keep working.
"""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import CharField, Exists, OuterRef, Q
from django.db.models.functions import Cast
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tidegate.prospects.models import Consent, EmailStatus, EventType
from tidegate.prospects.queries import Filter, Sort
from tidegate.store.models import Attention, Link

Choices = tuple[tuple[str, str | Promise], ...]

STATUSES: Choices = (
    ("", _("Any e-mail status")),
    (EmailStatus.VALID.value, _("Valid")),
    (EmailStatus.UNVERIFIED.value, _("Unverified")),
    (EmailStatus.UNVERIFIABLE.value, _("Unverifiable")),
    (EmailStatus.INVALID.value, _("Invalid")),
    (Consent.BOUNCED.value, _("Bounced")),
    (Consent.UNSUBSCRIBED.value, _("Unsubscribed")),
)
PIPEDRIVE: Choices = (
    ("", _("In Pipedrive or not")),
    ("linked", _("Linked")),
    ("missing", _("Not there yet")),
    ("attention", _("Needs attention")),
)
REPLIED_LATELY = "replied_lately"
LATELY = timedelta(days=7)
EVENTS: Choices = (
    ("", _("Any event")),
    (EventType.EMAIL_SENT.value, EventType.EMAIL_SENT.label),
    (EventType.EMAIL_OPENED.value, EventType.EMAIL_OPENED.label),
    (EventType.LINK_CLICKED.value, EventType.LINK_CLICKED.label),
    (EventType.EMAIL_REPLIED.value, EventType.EMAIL_REPLIED.label),
    (REPLIED_LATELY, _("Replied in the last 7 days")),
    (EventType.EMAIL_BOUNCED.value, EventType.EMAIL_BOUNCED.label),
    (EventType.UNSUBSCRIBED.value, EventType.UNSUBSCRIBED.label),
)
"""Who has had such an event, whatever happened afterwards (`queries.Filter.event`)."""
SORTS = (Sort.NAME, Sort.NAME_DOWN, Sort.CHANGED, Sort.CHANGED_DOWN)
ROWS = (10, 50, 200)
USUAL_ROWS = 50


@dataclass(frozen=True, slots=True)
class TableFilter:
    text: str = ""
    list_id: int | None = None
    status: str = ""
    pipedrive: str = ""
    event: str = ""
    sort: Sort = Sort.NAME
    rows: int = USUAL_ROWS
    cursor: str = ""

    @property
    def any(self) -> bool:
        """Whether something besides the list leaves prospects out."""
        return bool(self.text or self.status or self.pipedrive or self.event)

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What a form must send along to mean the same prospects."""
        pairs = [("q", self.text), ("list", str(self.list_id or "")), ("status", self.status)]
        pairs += [("pipedrive", self.pipedrive), ("event", self.event)]
        return [pair for pair in pairs if pair[1]]

    @property
    def query(self) -> str:
        """The address's query for this table, without a page."""
        sort = [("sort", self.sort.value)] if self.sort is not Sort.NAME else []
        rows = [("rows", str(self.rows))] if self.rows != USUAL_ROWS else []
        pairs = [*self.kept, *sort, *rows]
        return f"?{urlencode(pairs)}" if pairs else ""

    def as_filter(self, workspace_id: UUID) -> Filter:
        lately = self.event == REPLIED_LATELY
        return Filter(
            workspace_id,
            search=self.text,
            list_id=self.list_id,
            email_status="" if self.status in Consent.values else self.status,
            consent=self.status if self.status in Consent.values else "",
            event=EventType.EMAIL_REPLIED if lately else self.event,
            event_since=timezone.now() - LATELY if lately else None,
            also=in_pipedrive(self.pipedrive, workspace_id),
        )


def read_filter(asked: QueryDict, list_ids: set[int]) -> TableFilter:
    """`list_ids`: the lists there are. A list that is gone is no filter."""
    list_id, sort, rows = (asked.get(key, "") for key in ("list", "sort", "rows"))
    return TableFilter(
        text=asked.get("q", "").strip()[:200].replace("\x00", ""),
        list_id=int(list_id) if list_id.isdecimal() and int(list_id) in list_ids else None,
        status=_known(asked.get("status", ""), STATUSES),
        pipedrive=_known(asked.get("pipedrive", ""), PIPEDRIVE),
        event=_known(asked.get("event", ""), EVENTS),
        sort=next((known for known in SORTS if known.value == sort), Sort.NAME),
        rows=int(rows) if rows in map(str, ROWS) else USUAL_ROWS,
        cursor=asked.get("cursor", ""),
    )


def in_pipedrive(wish: str, workspace_id: UUID) -> Q | None:
    """Prospects that are linked by a connection of this workspace, that are not, or that need somebody."""
    if not wish:
        return None
    mine = {
        "connection__workspace": workspace_id,
        "connection__disconnected_at": None,
        "prospect_id": Cast(OuterRef("pk"), CharField()),
    }
    linked = Exists(Link.objects.filter(**mine))
    if wish == "attention":
        return Q(Exists(Attention.objects.filter(**mine, settled_at=None)))
    return Q(linked) if wish == "linked" else ~Q(linked)


def _known(value: str, choices: Choices) -> str:
    return value if value in {key for key, _text in choices} else ""
