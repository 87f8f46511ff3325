"""Where a workspace's campaign events come from, and the last one of them."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from tidegate.adapters.mail_providers.providers import PROVIDERS
from tidegate.core.automation import Trigger
from tidegate.prospects import campaign_queries
from tidegate.store.models import MailProvider, Workspace
from tidegate.web.automations.words import TRIGGERS


@dataclass(frozen=True, slots=True)
class LastEvent:
    label: str
    source: str
    """From whom, in words; empty where it is not known."""
    at: datetime


def sources_of(workspace: Workspace) -> str:
    """“Postmark and Amazon SES”; empty where no provider delivers."""
    names = MailProvider.objects.filter(workspace=workspace).values_list("provider", flat=True)
    return get_text_list([PROVIDERS[name].label for name in dict.fromkeys(names)], _("and"))


def last_event(workspace: Workspace) -> LastEvent | None:
    event = campaign_queries.last_event(workspace.pk)
    if event is None:
        return None
    known = event.type in {trigger.value for trigger in TRIGGERS}
    label = str(TRIGGERS[Trigger(event.type)].name) if known else event.label
    return LastEvent(label, _source(event.source), event.at)


def _source(name: str) -> str:
    words = {"api": _("the API"), "import": _("a file"), "command": _("the command line")}
    return PROVIDERS[name].label if name in PROVIDERS else words.get(name, "")
