"""How many records a choice is about, in words. What only the other app could say is left out, never guessed."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tidegate.core.records import Side
from tidegate.core.settings import Settings
from tidegate.store.models import Connection
from tidegate.store.queries import MOST_COUNTED, count_persons, count_without_email
from tidegate.web.templatetags.tidegate_tags import number


def stay_here(connection: Connection, settings: Settings) -> str:
    """What becomes of prospects without an e-mail address while they are left out; empty where there are none."""
    count = count_without_email(connection, settings.sync_from_lists)
    if not count:
        return ""
    text = ngettext(
        "%(count)s prospect has none and stays here while this is on.",
        "%(count)s prospects have none and stay here while this is on.",
        count,
    )
    many = _("More than %(count)s prospects have none and stay here while this is on.")
    return _with_figure(text, many, count)


def left_out(connection: Connection, settings: Settings) -> str:
    """What the review says of prospects without an e-mail address where they are left out."""
    to_pipedrive = settings.direction.flows_to(Side.PIPEDRIVE)
    count = count_without_email(connection, settings.sync_from_lists) if to_pipedrive else None
    if not count:
        return _("Whoever has no e-mail address is left out.")
    text = ngettext(
        "Whoever has no e-mail address is left out: %(count)s prospect.",
        "Whoever has no e-mail address is left out: %(count)s prospects.",
        count,
    )
    return _with_figure(
        text, _("Whoever has no e-mail address is left out: more than %(count)s prospects."), count
    )


def may_come_in(connection: Connection) -> str:
    """How many people a filter would choose from; empty until they were counted once."""
    count = count_persons(connection.lane)
    if not count:
        return ""
    text = ngettext(
        "Without one, the %(count)s person there may come in.",
        "Without one, all %(count)s people there may come in.",
        count,
    )
    return text % {"count": number(count)}


def _with_figure(text: str, many: str, count: int) -> str:
    """`many` is what is said where counting ended before everybody was counted."""
    if count > MOST_COUNTED:
        return many % {"count": number(MOST_COUNTED)}
    return text % {"count": number(count)}
