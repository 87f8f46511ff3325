"""A workspace may require that Pipedrive is connected by signing in there (OAuth), not by a personal token.

A token has all the rights of its owner and can't be withdrawn for one app; signing in can. Nothing is lost by the change: a
connection on a token waits to be reconnected, with its settings, links and history.
"""

from django.db import transaction

from tidegate.core.connection import Reason, Status
from tidegate.errors import Conflict
from tidegate.store.audit import Act, note
from tidegate.store.models import Connection, Workspace
from tidegate.store.schedule import LaneSchedule
from tidegate.words import say

WAITS = say(
    "This workspace requires signing in at Pipedrive, and this connection uses a personal API token. "
    "Reconnect to sign in: settings, links and history are kept."
)


def require_oauth(workspace: Workspace, required: bool, *, actor: str) -> int:
    """Switch the rule on or off. Answers how many connections it paused, or lets go on."""
    with transaction.atomic():
        found = Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
        Workspace.objects.filter(pk=workspace.pk).update(oauth_required=required)
        if found.oauth_required != required:
            before, after = {"required": not required}, {"required": required}
            note(workspace.pk, Act.OAUTH_REQUIRED, actor=actor, before=before, after=after)
        workspace.oauth_required = required
        rows = Connection.objects.filter(workspace=workspace, auth_method="token", disconnected_at=None)
        if not required:
            return rows.filter(reason=Reason.RECONNECT.value, reason_text=WAITS).update(
                reason=Reason.NONE.value, reason_text=""
            )
        waiting = list(rows.exclude(reason=Reason.RECONNECT.value))
        for connection in waiting:
            LaneSchedule().stop(str(connection.pk), Status.PAUSED, Reason.RECONNECT, WAITS)
        return len(waiting)


def check_tokens_are_welcome(workspace: Workspace) -> None:
    """Raises Conflict where a personal token may not connect."""
    if Workspace.objects.filter(pk=workspace.pk, oauth_required=True).exists():
        raise Conflict(
            say(
                "This workspace requires signing in at Pipedrive, so a personal API token can’t connect it. "
                "Choose Connect on the Integrations page and sign in there."
            )
        )
