"""Try the automations of the form with one prospect: what would happen now, before anything is saved. Nothing is written."""

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from tidegate.core.settings import Settings
from tidegate.errors import NotFound
from tidegate.prospects.models import Prospect
from tidegate.prospects.queries import Filter, select
from tidegate.store.models import Connection
from tidegate.web.automations.outcomes import ShownOutcome, shown_outcomes
from tidegate.web.automations.words import TRIGGERS
from tidegate.wiring.simulation import try_with

MOST_TEXT = 320


@dataclass(frozen=True, slots=True)
class Trial:
    """What was asked for, and what it came to."""

    text: str = ""
    error: str = ""
    name: str = ""
    prospect_id: int | None = None
    notes: list[str] = field(default_factory=list)
    outcomes: list[ShownOutcome] = field(default_factory=list)


def tried(connection: Connection, settings: Settings, text: str) -> Trial:
    """The automations of these settings, saved or not, for the prospect this text names."""
    text = text.strip()[:MOST_TEXT]
    if not text:
        return Trial(text, _("Enter the e-mail address or the name of a prospect."))
    found = _found(connection, text)
    if not found:
        return Trial(text, _("No prospect has this e-mail address or name."))
    if len(found) > 1:
        names = ", ".join(_called(prospect) for prospect in found[:5])
        return Trial(text, _("Several fit: %(names)s. Enter the e-mail address.") % {"names": names})
    try:
        result = try_with(connection, str(found[0].pk), settings)
    except NotFound as error:
        return Trial(text, error.user_message)
    outcomes = shown_outcomes(result.done)
    notes = []
    if not result.is_linked and any(outcome.deeds for outcome in outcomes):
        notes.append(_("The prospect is not in Pipedrive yet and would be created there first."))
    if not result.asked:
        notes.append(_("Pipedrive was not asked for open deals, so moves may depend on them."))
    if not outcomes:
        notes.append(_("None of the automations is on and complete, so nothing would happen."))
    elif result.asleep:
        names = ", ".join(str(TRIGGERS[trigger].name) for trigger in result.asleep)
        notes.append(_("Something is missing in: %(names)s. They were left out here.") % {"names": names})
    return Trial(text, "", found[0].name, found[0].pk, notes, outcomes)


def _found(connection: Connection, text: str) -> list[Prospect]:
    """Whoever has the address; else whose name fits."""
    wanted = (
        Filter(connection.workspace_id, email=text)
        if "@" in text
        else Filter(connection.workspace_id, search=text)
    )
    return list(select(wanted)[:6])


def _called(prospect: Prospect) -> str:
    address = next((str(entry["value"]) for entry in prospect.emails), "")
    return f"{prospect.name} ({address})" if address and address != prospect.name else prospect.name
