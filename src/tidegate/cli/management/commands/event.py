"""`tidegate event TYPE`: tell of one campaign event by hand, as an outreach app would."""

import uuid
from difflib import get_close_matches
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from tidegate.cli.commands import TidegateCommand, plain_errors
from tidegate.cli.workspaces import add_workspace_option, choose_workspace
from tidegate.prospects.authors import Author
from tidegate.prospects.events.recording import EventOutcome, Telling, record_events
from tidegate.prospects.models import ACTED_ON, CampaignEvent, EventType, Prospect


class Command(TidegateCommand):
    help = "Tell of one campaign event by hand, as an outreach app would. What it sets off happens for real."

    def add_arguments(self, parser: CommandParser) -> None:
        known = ", ".join(sorted(ACTED_ON))
        parser.add_argument("type", help=f"{known}; any other is kept and sets nothing off")
        parser.add_argument("--prospect", required=True, metavar="ID or E-MAIL")
        parser.add_argument("--campaign", default="", metavar="NAME")
        parser.add_argument(
            "--email", default="", metavar="ID", help="of the campaign e-mail; else the latest one"
        )
        parser.add_argument("--subject", default="")
        parser.add_argument("--html", default="", help="the e-mail's content")
        parser.add_argument("--url", default="", help="the link that was clicked")
        parser.add_argument("--reason", default="", help="why it bounced, or what was replied")
        parser.add_argument("--automatic", action="store_true", help="no person did this (out of office)")
        parser.add_argument("--at", default="", metavar="TIME", help="with its zone; else now")
        parser.add_argument("--key", default="", help="makes it one event however often it is told")
        add_workspace_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = choose_workspace(options["workspace"])
        author = Author(workspace.pk, "tidegate event", "api")
        with plain_errors():
            (result,) = record_events(author, [Telling(_told(options))], source="command")
        if result.errors:
            said = " ".join(
                f"{_option(key)}: {text}" for key, texts in result.errors.items() for text in texts
            )
            raise CommandError(f"The event was refused. {said}")
        event = CampaignEvent.objects.select_related("prospect", "email", "campaign").get(
            pk=result.event_id or 0
        )
        self.stdout.write(_said(event, again=result.outcome is EventOutcome.UNCHANGED))


def _option(key: str) -> str:
    """What of the command a fault of the event is about."""
    whole, *part = key.split(".")
    name = part[0] if part and part[0] in ("subject", "html") else whole
    return name if name == "type" else f"--{name}"


def _told(options: dict[str, Any]) -> dict[str, object]:
    whom = options["prospect"]
    email = {"id": options["email"], "subject": options["subject"], "html": options["html"]}
    told: dict[str, object] = {
        "key": options["key"] or f"command:{uuid.uuid4()}",
        "type": options["type"],
        "at": options["at"] or timezone.now().isoformat(),
        "prospect": {"email": whom} if "@" in whom else {"id": whom},
        "campaign": {"name": options["campaign"]} if options["campaign"] else {},
        "email": {name: text for name, text in email.items() if text},
        "url": options["url"],
        "reason": options["reason"],
        "automatic": options["automatic"],
    }
    return {name: value for name, value in told.items() if value}


def _said(event: CampaignEvent, *, again: bool) -> str:
    """One line about what became of the event."""
    if again:
        return f"“{event.label}” was told before with this key; nothing changed."
    prospect: Prospect | None = event.prospect
    if prospect is None:
        return f"“{event.label}” is kept until a prospect has the address {event.recipient}.{_meant(event)}"
    about = f", {event.campaign.name}" if event.campaign else ""
    about += f", “{event.email.subject}”" if event.email and event.email.subject else ""
    quiet = "" if event.sets_off else " It sets nothing off."
    return f"“{event.label}” of {prospect.name}{about} is stored.{quiet}{_meant(event)}"


def _meant(event: CampaignEvent) -> str:
    """Which known type a strange one is like. It is kept all the same: other apps have types of their own."""
    alike = [] if event.type in EventType.values else get_close_matches(event.type, sorted(ACTED_ON), n=1)
    return f" Tidegate does not know this type; did you mean {alike[0]}?" if alike else ""
