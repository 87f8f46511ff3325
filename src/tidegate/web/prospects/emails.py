"""The E-mail section of a prospect's page: what was sent and what came of it, the newest first.

Repeated openings and clicks of one e-mail are one line that says how often. What is told of an e-mail's content was
cleaned (`prospects.letters`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.formats import date_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tidegate.prospects.letters import clean_html, is_shortened
from tidegate.prospects.models import ACTED_ON, CampaignEmail, CampaignEvent, EventType, Prospect
from tidegate.prospects.timeline import COUNTED, counts_of, emails_of, events_of
from tidegate.store.models import EmailActivity

SHOWN_EMAILS, SHOWN_EVENTS = 30, 300
"""How much of the past the page tells; the API has all of it."""
MACHINE = (EventType.EMAIL_OPENED, EventType.LINK_CLICKED)
KNOBS: dict[str, tuple[str, str]] = {
    EventType.EMAIL_SENT: ("mail", ""),
    EventType.EMAIL_OPENED: ("open", ""),
    EventType.LINK_CLICKED: ("click", "flow"),
    EventType.EMAIL_REPLIED: ("reply", "good"),
    EventType.EMAIL_BOUNCED: ("bounce", "bad"),
    EventType.UNSUBSCRIBED: ("unsub", "bad"),
    EventType.EMAIL_DELIVERED: ("check", ""),
    EventType.EMAIL_DELAYED: ("clock", "warn"),
    EventType.EMAIL_FAILED: ("error", "warn"),
    EventType.CAMPAIGN_FINISHED: ("okc", ""),
    EventType.CONSENT_RENEWED: ("shield", ""),
}
"""Event type -> icon and tone."""


@dataclass(slots=True)
class Letter:
    """The content of an e-mail, safe to show."""

    html: SafeString
    shortened: bool


@dataclass(slots=True)
class Moment:
    """One entry of the section: an e-mail, or events of one kind about one e-mail."""

    at: datetime
    knob: tuple[str, str]
    title: str
    notes: list[str] = field(default_factory=list)
    quote: str = ""
    letter: Letter | None = None
    email: CampaignEmail | None = None
    """Where the entry is an e-mail's own."""
    logged: EmailActivity | None = None
    """The activity that shows the e-mail in Pipedrive."""


@dataclass(frozen=True, slots=True)
class EmailSection:
    summary: str
    moments: Sequence[Moment]
    more: bool
    """Whether there is more than is shown."""


def email_section(prospect: Prospect, activities: Mapping[str, EmailActivity]) -> EmailSection:
    """`activities`: campaign e-mail's id -> the activity that shows it in Pipedrive."""
    emails = list(emails_of(prospect).order_by("-sent_at", "-pk")[: SHOWN_EMAILS + 1])
    events = list(events_of(prospect).order_by("-at", "-pk")[: SHOWN_EVENTS + 1])
    more = len(emails) > SHOWN_EMAILS or len(events) > SHOWN_EVENTS
    del emails[SHOWN_EMAILS:], events[SHOWN_EVENTS:]
    told = {event.email_id for event in events if event.type != EventType.EMAIL_SENT}
    late = {event.email_id for event in events if event.type == EventType.EMAIL_SENT and _is_late(event)}
    moments = [
        _of_email(
            email,
            activities.get(str(email.pk)),
            unheard=email.pk not in told,
            late=email.pk in late,
        )
        for email in emails
    ]
    shown = {email.pk for email in emails}
    moments += [
        _of_events(group) for group in _grouped(event for event in events if not _is_said(event, shown))
    ]
    ranks = {id(moment): moment.email is None for moment in moments}
    moments.sort(key=lambda moment: (moment.at, ranks[id(moment)]), reverse=True)
    return EmailSection(_summary(prospect), moments, more)


def _is_said(event: CampaignEvent, shown: set[int]) -> bool:
    """Whether the entry of its e-mail says it already."""
    return event.type == EventType.EMAIL_SENT and event.email_id in shown


def _is_late(event: CampaignEvent) -> bool:
    """Whether it would have set something off, had it become known in time. Of what was imported nobody expects that."""
    return event.historical and event.type in ACTED_ON and not event.automatic and event.source != "import"


def _late_words() -> str:
    return _("Became known more than seven days late: nothing is set off by it.")


def _summary(prospect: Prospect) -> str:
    """3 sent, 2 opened, 1 clicked, 1 replied."""
    words = {
        EventType.EMAIL_SENT: _("%(count)s sent"),
        EventType.EMAIL_OPENED: _("%(count)s opened"),
        EventType.LINK_CLICKED: _("%(count)s clicked"),
        EventType.EMAIL_REPLIED: _("%(count)s replied"),
        EventType.EMAIL_BOUNCED: _("%(count)s bounced"),
    }
    counts = counts_of(prospect)
    return ", ".join(words[kind] % {"count": counts.of(kind)} for kind in COUNTED if counts.of(kind))


def _of_email(email: CampaignEmail, logged: EmailActivity | None, *, unheard: bool, late: bool) -> Moment:
    facts = [email.campaign.name] if email.campaign else []
    facts += [_("step %(step)s") % {"step": email.step}] if email.step else []
    facts += [_("from %(address)s") % {"address": email.sender}] if email.sender else []
    note = ", ".join(facts)
    if unheard:
        note = f"{note}. {_('Not opened')}" if note else _("Not opened")
    notes = ([note] if note else []) + ([_late_words()] if late else [])
    html = clean_html(email.html, email.text)
    # Cleaned by an allow-list that knows no scripts, styles or frames.
    letter = Letter(mark_safe(html), is_shortened(email.html, email.text)) if html else None  # noqa: S308
    title = f"“{email.subject}”" if email.subject else _("Campaign e-mail without a subject")
    sent_at = email.sent_at or email.created_at
    return Moment(
        sent_at,
        KNOBS[EventType.EMAIL_SENT],
        title,
        notes,
        letter=letter,
        email=email,
        logged=logged,
    )


def _grouped(events: Iterable[CampaignEvent]) -> list[list[CampaignEvent]]:
    """Openings and clicks that mean the same, together; the newest first, as they come."""
    groups: dict[object, list[CampaignEvent]] = {}
    for event in events:
        together = event.type in MACHINE and event.email_id is not None
        key = (event.type, event.email_id, event.url, event.automatic) if together else event.pk
        groups.setdefault(key, []).append(event)
    return list(groups.values())


def _of_events(group: Sequence[CampaignEvent]) -> Moment:
    newest, oldest = group[0], group[-1]
    moment = Moment(newest.at, KNOBS.get(newest.type, ("none", "")), _title(newest))
    subject = newest.email.subject if newest.email else ""
    if newest.type == EventType.LINK_CLICKED and newest.url:
        address = newest.url.removeprefix("https://").removeprefix("http://")[:200]
        moment.notes.append(
            _("%(address)s in “%(subject)s”") % {"address": address, "subject": subject}
            if subject
            else address
        )
    elif subject:
        moment.notes.append(f"“{subject}”")
    elif newest.campaign:
        moment.notes.append(newest.campaign.name)
    if len(group) > 1:
        first = date_format(localtime(oldest.at), "j F, H:i")
        times = ngettext("%(count)s time", "%(count)s times", len(group)) % {"count": len(group)}
        moment.notes.append(_("%(times)s, first on %(first)s") % {"times": times, "first": first})
    if newest.type == EventType.EMAIL_REPLIED and newest.reason:
        moment.quote = newest.reason[:600]
    elif newest.reason:
        moment.notes.append(newest.reason[:300])
    if all(map(_is_late, group)):
        moment.notes.append(_late_words())
    return moment


def _title(event: CampaignEvent) -> str:
    if not event.automatic:
        return event.label
    if event.type == EventType.EMAIL_REPLIED:
        return _("Replied automatically")
    return _("%(event)s, by a machine") % {"event": event.label}
