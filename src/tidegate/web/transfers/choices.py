"""What the first page of a transfer offers: both directions with what is there, and whose values count.

The sender is the source app unless chosen otherwise, so changing the direction changes the proposed source.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tidegate.core.records import Side
from tidegate.core.settings import Direction, Settings
from tidegate.core.transfer import Include
from tidegate.store import queries
from tidegate.store.models import Connection
from tidegate.store.schedule import campaign_rules
from tidegate.wiring import actions

WAYS = {
    Direction.TO_PIPEDRIVE.value: Direction.TO_PIPEDRIVE,
    Direction.FROM_PIPEDRIVE.value: Direction.FROM_PIPEDRIVE,
}
SENDER = {Direction.TO_PIPEDRIVE: Side.OUTREACH, Direction.FROM_PIPEDRIVE: Side.PIPEDRIVE}


@dataclass(frozen=True, slots=True)
class Choice:
    direction: Direction
    source_app: Side
    include: Include


def read_choice(asked: QueryDict, settings: Settings) -> Choice | None:
    """What was chosen; None where the direction is none of the two."""
    direction = WAYS.get(asked.get("direction", ""))
    if direction is None:
        return None
    source = asked.get("source_app", "")
    include = Include(past_emails="past_emails" in asked, constants="constants" in asked)
    return Choice(direction, Side(source) if source in set(Side) else SENDER[direction], include)


def proposed(asked: QueryDict, settings: Settings) -> Choice:
    """What is preselected: the chosen direction, else the connection's own; its sender is the source unless another one is
    asked for; everything is included.
    """
    way = WAYS.get(asked.get("direction", ""))
    if way is None:
        way = (
            Direction.FROM_PIPEDRIVE
            if settings.direction is Direction.FROM_PIPEDRIVE
            else Direction.TO_PIPEDRIVE
        )
    source = asked.get("source_app", "")
    everything = Include(past_emails=True, constants=True)
    return Choice(way, Side(source) if source in set(Side) else SENDER[way], everything)


@dataclass(frozen=True, slots=True)
class Offers:
    """What each direction would look at, in words."""

    to_pipedrive: str
    from_pipedrive: str
    list_missing: bool
    """Nothing can come from Pipedrive before a list is chosen that receives it."""


def offers(connection: Connection, settings: Settings) -> Offers:
    lists = {named.id: named.name for named in actions.outreach_catalogue(connection).lists}
    target = lists.get(settings.sync_to_list or "")
    return Offers(
        _prospects_in_words(connection, settings, lists),
        _people_in_words(connection, settings, target),
        target is None,
    )


def _prospects_in_words(connection: Connection, settings: Settings, lists: dict[str, str]) -> str:
    count = queries.count_prospects(connection, settings.sync_from_lists)
    where = lists_in_words(settings, lists)
    if count is None:
        return _("Prospects from %(lists)s") % {"lists": where}
    text = ngettext("%(count)s prospect from %(lists)s", "%(count)s prospects from %(lists)s", count)
    return text % {"count": number_format(count, force_grouping=True), "lists": where}


def lists_in_words(settings: Settings, lists: Mapping[str, str]) -> str:
    """From where prospects are taken. `lists`: the names of those there are."""
    chosen = settings.sync_from_lists
    if chosen is None:
        return _("all lists")
    if len(chosen) == 1:
        return _("the list “%(name)s”") % {"name": lists.get(chosen[0], chosen[0])}
    return _("%(count)d chosen lists") % {"count": len(chosen)}


def _people_in_words(connection: Connection, settings: Settings, target: str | None) -> str:
    if target is None:
        return _("No list receives people yet. Choose one in the settings first.")
    chosen = actions.pipedrive_catalogue(connection).filter_of(settings.filter_id or "")
    if chosen is not None:
        text = _("Everyone in the Pipedrive filter “%(filter)s”, into the list “%(name)s”")
        return text % {"filter": chosen.name, "name": target}
    count = queries.count_persons(connection.lane)
    if count is None:
        return _("Everyone in Pipedrive, into the list “%(name)s”") % {"name": target}
    text = ngettext(
        "%(count)s person into the list “%(name)s”", "%(count)s people into the list “%(name)s”", count
    )
    return text % {"count": number_format(count, force_grouping=True), "name": target}


def past_emails_in_words(connection: Connection, settings: Settings, direction: Direction) -> str | None:
    """How many e-mails could come along; None where campaign e-mails become no activities, or there are none.

    Whom a transfer from Pipedrive meets is not known before, so their e-mails are not counted.
    """
    if not campaign_rules(connection, settings).history:
        return None
    to_pipedrive = direction is Direction.TO_PIPEDRIVE
    count = queries.count_past_emails(connection, settings.sync_from_lists if to_pipedrive else None)
    if count == 0:
        return None
    if count is None or not to_pipedrive:
        return _("You can leave them out to save API budget.")
    if count > queries.MOST_COUNTED:
        text = _("More than %(count)s e-mails. You can leave them out to save API budget.")
        return text % {"count": number_format(queries.MOST_COUNTED, force_grouping=True)}
    text = ngettext(
        "%(count)s e-mail. You can leave it out to save API budget.",
        "%(count)s e-mails. You can leave them out to save API budget.",
        count,
    )
    return text % {"count": number_format(count, force_grouping=True)}


def constants_in_words(
    connection: Connection, settings: Settings, direction: Direction
) -> list[tuple[str, str]]:
    """Field and value of each constant that this direction writes."""
    side = SENDER[direction].other
    catalogue = (
        actions.pipedrive_catalogue(connection)
        if side is Side.PIPEDRIVE
        else actions.outreach_catalogue(connection)
    )
    found = []
    for constant in settings.constants:
        field = catalogue.field(constant.field)
        if constant.side is side and field is not None:
            found.append((field.name, field.option_label(constant.value) or constant.value))
    return found
