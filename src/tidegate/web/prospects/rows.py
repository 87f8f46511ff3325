"""What the table says of each prospect beyond its own fields: lists, the last event, and how it stands in Pipedrive."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import prefetch_related_objects
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tidegate.core.records import Side
from tidegate.core.settings import Settings
from tidegate.prospects.models import CampaignEvent, Consent, EmailStatus, Prospect
from tidegate.prospects.timeline import last_events
from tidegate.store.models import Attention, Connection, Link
from tidegate.web.prospects.emails import KNOBS
from tidegate.web.words import Look

EMAIL_STATUS: dict[str, Look] = {
    EmailStatus.VALID: Look(_("Valid"), "check", "good"),
    EmailStatus.UNVERIFIED: Look(_("Unverified"), "help", "calm"),
    EmailStatus.UNVERIFIABLE: Look(_("Unverifiable"), "help", "warn"),
    EmailStatus.INVALID: Look(_("Invalid"), "bounce", "bad"),
}
CONSENT: dict[str, Look] = {
    Consent.BOUNCED: Look(_("Bounced"), "bounce", "bad"),
    Consent.UNSUBSCRIBED: Look(_("Unsubscribed"), "unsub", "bad"),
}


@dataclass(frozen=True, slots=True)
class Row:
    prospect: Prospect
    lists: str
    link: Link | None = None
    attention: Attention | None = None
    left_out: str | Promise = ""
    """Why it does not travel to Pipedrive, where the settings say so."""
    last_event: CampaignEvent | None = None
    """None: no e-mail was sent yet."""

    @property
    def email_status(self) -> Look:
        return EMAIL_STATUS[self.prospect.email_status]

    @property
    def consent(self) -> Look | None:
        """None: campaigns may write."""
        return CONSENT.get(self.prospect.consent)

    @property
    def address_status(self) -> Look:
        """What the table says in one word: whether one may write comes before whether it would arrive."""
        return self.consent or self.email_status

    @property
    def event_icon(self) -> str:
        return KNOBS[self.last_event.type][0] if self.last_event else "none"

    @property
    def campaign(self) -> str:
        """The name of the one that the last event belongs to; empty where it was not told."""
        event = self.last_event
        found = event and (event.campaign or (event.email and event.email.campaign))
        return found.name if found else ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How prospects stand in Pipedrive, by prospect id."""

    links: dict[str, Link] = field(default_factory=dict)
    attention: dict[str, Attention] = field(default_factory=dict)


def rows_of(prospects: Sequence[Prospect], connections: Sequence[Connection]) -> list[Row]:
    prefetch_related_objects(prospects, "lists")
    standing = standing_of(prospects, connections)
    settings = [connection.get_settings() for connection in connections]
    events = last_events([prospect.pk for prospect in prospects])
    return [_row(prospect, standing, settings, events.get(prospect.pk)) for prospect in prospects]


def standing_of(prospects: Sequence[Prospect], connections: Sequence[Connection]) -> Standing:
    ids = [str(prospect.pk) for prospect in prospects]
    links = Link.objects.filter(connection__in=connections, prospect_id__in=ids).select_related("connection")
    open_cases = Attention.objects.filter(connection__in=connections, prospect_id__in=ids, settled_at=None)
    return Standing(
        {link.prospect_id: link for link in links},
        {case.prospect_id: case for case in open_cases.select_related("connection")},
    )


def _row(
    prospect: Prospect, standing: Standing, settings: Sequence[Settings], last_event: CampaignEvent | None
) -> Row:
    key = str(prospect.pk)
    return Row(
        prospect=prospect,
        lists=", ".join(sorted(item.name for item in prospect.lists.all())),
        link=standing.links.get(key),
        attention=standing.attention.get(key),
        left_out=why_left_out(prospect, settings),
        last_event=last_event,
    )


def why_left_out(prospect: Prospect, settings: Sequence[Settings]) -> str | Promise:
    """Why no connection would take this prospect to Pipedrive; empty where one would."""
    list_ids = {str(item.pk) for item in prospect.lists.all()}
    reasons = [_why_not(prospect, list_ids, chosen) for chosen in settings]
    return reasons[0] if reasons and all(reasons) else ""


def _why_not(prospect: Prospect, list_ids: set[str], settings: Settings) -> str | Promise:
    if not settings.direction.flows_to(Side.PIPEDRIVE):
        return _("Nothing flows to Pipedrive")
    if settings.only_with_email and not prospect.emails:
        return _("No e-mail address")
    if settings.sync_from_lists is not None and not list_ids & set(settings.sync_from_lists):
        return _("In no list that is synced")
    return ""
