"""What pages, API and the engine ask of campaigns, their e-mails and events."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet
from django.db.models.functions import Left

from tidegate.prospects.models import ACTED_ON, Campaign, CampaignEmail, CampaignEvent, ProspectEmail
from tidegate.prospects.queries import numbers_of
from tidegate.prospects.values import normal_email


def read_campaigns(workspace_id: UUID) -> QuerySet[Campaign]:
    return Campaign.objects.filter(workspace_id=workspace_id)


def newest_campaign(workspace_id: UUID) -> Campaign | None:
    return read_campaigns(workspace_id).order_by("-pk").first()


def get_events(workspace_id: UUID, ids: Iterable[int | str]) -> list[CampaignEvent]:
    """Those of the events that are there, with their campaign and e-mail, in the order in which they happened."""
    rows = CampaignEvent.objects.filter(workspace_id=workspace_id, pk__in=numbers_of(ids))
    return list(_light(rows).order_by("at", "pk"))


def get_emails(workspace_id: UUID, ids: Iterable[int | str], *, most: int) -> list[CampaignEmail]:
    """Those of the e-mails that are there, with their campaign; `events.all()` is fetched along, in no order.

    Of the bodies no more than `most` characters are read, as `html_read` and `text_read`: they may be of megabytes.
    """
    rows = CampaignEmail.objects.filter(workspace_id=workspace_id, pk__in=numbers_of(ids))
    rows = rows.select_related("campaign").defer("html", "text")
    rows = rows.annotate(html_read=Left("html", most), text_read=Left("text", most))
    events = Prefetch("events", CampaignEvent.objects.defer("raw"))
    return list(rows.prefetch_related(events).order_by("pk"))


def find_emails(
    workspace_id: UUID, prospect_ids: Iterable[int | str], *, since: datetime | None
) -> list[int]:
    """Ids of the e-mails to these prospects with an event to act on that happened since `since` and was not imported; since
    None: whenever it happened, imported or not.
    """
    rows = CampaignEvent.objects.filter(
        workspace_id=workspace_id,
        prospect__in=numbers_of(prospect_ids),
        email__isnull=False,
        type__in=ACTED_ON,
        automatic=False,
    )
    if since is not None:
        rows = rows.filter(at__gte=since, historical=False)
    return list(rows.order_by("email").values_list("email", flat=True).distinct())


def walk_events(
    workspace_id: UUID,
    *,
    since: datetime,
    until: datetime,
    after: tuple[datetime, int] | None = None,
    limit: int = 500,
) -> list[CampaignEvent]:
    """Events with a meaning, of known prospects, that happened from `since` to before `until`, oldest first.

    `after` is the (at, id) of the last one seen.
    """
    rows = CampaignEvent.objects.filter(
        workspace_id=workspace_id,
        at__gte=since,
        at__lt=until,
        type__in=ACTED_ON,
        prospect__isnull=False,
    )
    if after is not None:
        at, last_id = after
        rows = rows.filter(Q(at__gte=at) & (Q(at__gt=at) | Q(pk__gt=last_id)))
    return list(_light(rows).order_by("at", "pk")[:limit])


def _light(rows: QuerySet[CampaignEvent]) -> QuerySet[CampaignEvent]:
    """Without the bodies, of which a thousand events of one e-mail would carry a thousand copies."""
    return rows.select_related("campaign", "email__campaign").defer("raw", "email__html", "email__text")


def select_events(
    workspace_id: UUID,
    *,
    type: str | None = None,
    matched: bool | None = None,
    campaign_key: str | None = None,
    since: datetime | None = None,
) -> QuerySet[CampaignEvent]:
    """The events that pass, with their campaign and e-mail, in no order. None lets all pass."""
    rows = CampaignEvent.objects.filter(workspace_id=workspace_id)
    if type is not None:
        rows = rows.filter(type=type)
    if matched is not None:
        rows = rows.filter(prospect__isnull=not matched)
    if campaign_key is not None:
        rows = rows.filter(campaign__key=campaign_key)
    if since is not None:
        rows = rows.filter(at__gte=since)
    return rows.select_related("campaign", "email").defer("raw", "email__html", "email__text")


def last_event(workspace_id: UUID) -> CampaignEvent | None:
    """The one that happened last of all that were told."""
    rows = CampaignEvent.objects.filter(workspace_id=workspace_id).only("type", "source", "at")
    return rows.order_by("-at", "-pk").first()


def find_answered(
    workspace_id: UUID, keys: Sequence[str], message_ids: Sequence[str]
) -> CampaignEmail | None:
    """The e-mail that a reply answers: by our own key in the address, else by the first message it names that we know."""
    emails = CampaignEmail.objects.filter(workspace_id=workspace_id).defer("html", "text")
    named = emails.filter(key__in=keys).first() if keys else None
    if named is not None or not message_ids:
        return named
    known = {email.message_id: email for email in emails.filter(message_id__in=message_ids)}
    return next((known[message_id] for message_id in message_ids if message_id in known), None)


def has_address(workspace_id: UUID, address: str) -> bool:
    """Whether a prospect of the workspace has this address."""
    return ProspectEmail.objects.filter(workspace_id=workspace_id, address=normal_email(address)).exists()
