"""Those whom campaigns may not write to since before *Unsubscribe in Pipedrive* was switched on.

Switching it on unsubscribes nobody by itself, since Pipedrive lets the marketing status be changed once: it is offered, and
a member says so.
"""

from django.db import transaction
from django.db.models import CharField, QuerySet
from django.db.models.functions import Cast

from tidegate.core.records import Side
from tidegate.errors import Conflict
from tidegate.prospects.models import Consent, Prospect
from tidegate.store.audit import Act, note
from tidegate.store.inbox import add_changes, closed_consent
from tidegate.store.models import Connection, Link
from tidegate.words import say


def count_closed(connection: Connection) -> int:
    """How many linked prospects are unsubscribed or bounced here."""
    return _closed(connection).count()


def unsubscribe_closed(connection: Connection, *, actor: str) -> int:
    """Have each of them unsubscribed in Pipedrive, where it is not so already. How many are looked at.

    Raises Conflict where the settings don't ask for it.
    """
    settings = connection.get_settings()
    if not settings.unsubscribe_in_pipedrive or not settings.direction.flows_to(Side.PIPEDRIVE):
        raise Conflict(say("Switch on “Unsubscribe in Pipedrive, too” and save first."))
    with transaction.atomic():
        ids = list(_closed(connection).values_list("prospect_id", flat=True))
        add_changes(connection, [closed_consent(prospect_id) for prospect_id in ids])
        note(
            connection.workspace_id,
            Act.CLOSED_UNSUBSCRIBED,
            actor=actor,
            subject=connection.company_name,
            after={"people": len(ids)},
        )
    return len(ids)


def _closed(connection: Connection) -> "QuerySet[Link]":
    closed = Prospect.objects.filter(workspace_id=connection.workspace_id).exclude(consent=Consent.OPEN)
    ids = closed.annotate(key=Cast("pk", CharField())).values("key")
    return Link.objects.filter(connection=connection, state="linked", prospect_id__in=ids)
