"""How a connection is made, reconnected, launched, paused and ended: the changes of its row that go together."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Max
from django.utils import timezone

from tidegate.core.connection import Reason, Status
from tidegate.core.settings import Settings, settings_to_json
from tidegate.errors import Conflict, NotFound
from tidegate.ports import LEAVE, Account, Tokens
from tidegate.store.models import (
    Change,
    Connection,
    Lane,
    Link,
    OAuthState,
    Transfer,
    User,
    Workspace,
)
from tidegate.store.runs import leave_waiting_actions
from tidegate.store.secrets import encrypt
from tidegate.store.transfers import finish_transfer
from tidegate.store.vault import seal_tokens
from tidegate.store.wakes import wake_lane
from tidegate.words import say

STATE_LIFE = timedelta(minutes=15)
"""How long a sign-in at Pipedrive may take."""


# --- the `state` of an authorisation


def make_state(user: User, workspace: Workspace, connection: Connection | None) -> str:
    state = secrets.token_urlsafe(32)
    OAuthState.objects.filter(created_at__lt=timezone.now() - 4 * STATE_LIFE).delete()
    OAuthState.objects.create(digest=_digest(state), user=user, workspace=workspace, connection=connection)
    return state


def use_state(user: User, state: str) -> OAuthState:
    """The authorisation this state began. It works once, for the member who began it, for a short while."""
    row = (
        OAuthState.objects.select_related("workspace", "connection")
        .filter(digest=_digest(state), user=user)
        .first()
    )
    if row is None:
        raise NotFound(
            say("This sign-in was not started here, or by somebody else. Start again with Connect.")
        )
    young = OAuthState.objects.filter(pk=row.pk, used_at=None, created_at__gte=timezone.now() - STATE_LIFE)
    if young.update(used_at=timezone.now()) != 1:
        raise NotFound(say("This sign-in was used already or took too long. Start again with Connect."))
    return row


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


# --- making


def save_authorisation(
    workspace: Workspace,
    connection: Connection | None,
    account: Account,
    *,
    tokens: Tokens | None = None,
    personal_token: str | None = None,
    api_domain: str,
) -> Connection:
    """A new paused connection, or the one of this company, `was_there`, with everything kept. Raises Conflict."""
    facts = _facts(account, tokens, personal_token, api_domain)
    if connection is not None:
        return _reconnect(connection, account, facts)
    known = Connection.objects.filter(
        workspace=workspace, company_id=account.company_id, api_domain=api_domain
    )
    before = known.order_by(F("disconnected_at").desc(nulls_first=True)).first()
    if before is not None:
        return _reconnect(before, account, facts)
    lane, _ = Lane.objects.get_or_create(company_id=account.company_id, api_domain=api_domain)
    try:
        with transaction.atomic():
            return Connection.objects.create(
                workspace=workspace,
                lane=lane,
                status=Status.PAUSED.value,
                reason=Reason.NEW.value,
                hook_secret=encrypt(secrets.token_urlsafe(24)),
                company_id=account.company_id,
                **facts,
            )
    except IntegrityError as error:
        raise Conflict(say("{company} is connected already.", company=account.company_name)) from error


def _facts(
    account: Account, tokens: Tokens | None, personal_token: str | None, api_domain: str
) -> dict[str, Any]:
    return {
        "auth_method": "oauth" if tokens else "token",
        "secret": seal_tokens(tokens) if tokens else encrypt(personal_token or ""),
        "token_expires_at": tokens.expires_at if tokens else None,
        "refreshing_until": None,
        "scopes": list(tokens.scopes) if tokens else [],
        "api_domain": api_domain,
        "company_name": account.company_name,
        "company_domain": account.company_domain,
        "pipedrive_user_id": account.user_id,
        "pipedrive_user_name": account.user_name,
    }


def _reconnect(connection: Connection, account: Account, facts: Mapping[str, Any]) -> Connection:
    if connection.company_id != account.company_id:
        raise Conflict(
            say(
                "You signed in to {other}, but this connection belongs to {company}. Sign in to {company}, "
                "or connect {other} as a new one.",
                other=account.company_name,
                company=connection.company_name,
            ),
            signed_in_to=account.company_name,
            belongs_to=connection.company_name,
        )
    for name, value in facts.items():
        setattr(connection, name, value)
    if connection.reason == Reason.RECONNECT:
        connection.reason, connection.reason_text = Reason.NONE.value, ""
    if connection.disconnected_at is not None:
        connection.disconnected_at = None
        connection.hook_secret = encrypt(secrets.token_urlsafe(24))
    connection.webhooks_checked_at = None
    connection.connected_at = timezone.now()
    connection.save()
    connection.was_there = True
    return connection


def lives_by_grant(company_id: str, user_id: str, *, besides: Connection | None = None) -> bool:
    """Whether a connection, of whichever workspace, uses what this user of this company has granted the app."""
    rows = Connection.objects.filter(
        company_id=company_id, pipedrive_user_id=user_id, auth_method="oauth", disconnected_at=None
    )
    if besides is not None:
        rows = rows.exclude(pk=besides.pk)
    return rows.exclude(secret=None).exclude(reason=Reason.RECONNECT.value).exists()


# --- settings


def store_settings(connection: Connection, settings: Settings, *, version: int | None) -> Connection:
    """Save, unless somebody else saved since the editor looked (`version`)."""
    rows = Connection.objects.filter(pk=connection.pk)
    if version is not None:
        rows = rows.filter(settings_version=version)
    changed = rows.update(settings=settings_to_json(settings), settings_version=F("settings_version") + 1)
    if not changed:
        raise Conflict(
            say("Somebody else saved these settings meanwhile. Look at theirs, then make your changes again.")
        )
    connection.refresh_from_db()
    if connection.is_live:
        wake_lane(connection.lane_id)
    return connection


# --- status


def set_status(connection: Connection, status: Status, reason: Reason = Reason.NONE, text: str = "") -> None:
    connection.status, connection.reason, connection.reason_text = status.value, reason.value, text
    fields = ["status", "reason", "reason_text"]
    if status is Status.ACTIVE and connection.launched_at is None:
        connection.launched_at = timezone.now()
        fields.append("launched_at")
    with transaction.atomic():
        connection.save(update_fields=fields)
        if status is Status.ACTIVE:
            wake_lane(connection.lane_id)


def judge_waiting_changes(connection: Connection, *, apply: bool) -> None:
    """What waits is followed without brakes, or left where it was made: both sides then agree to differ about it.

    Of what campaigns told, events that waited are left, too. E-mails of events that were followed before are still written,
    and consents still followed: a pause opens nobody.
    """
    newest = Change.objects.filter(connection=connection, done_at=None).aggregate(newest=Max("id"))["newest"]
    if newest is not None:
        mark = {"passed_upto": newest} if apply else {"left_upto": newest}
        Connection.objects.filter(pk=connection.pk).update(**mark)
        connection.refresh_from_db(fields=list(mark))
    if not apply:
        waiting = Change.objects.filter(connection=connection, done_at=None)
        waiting.filter(entity="campaign_event").update(action=LEAVE)
        leave_waiting_actions(connection)


def put_off_rereading(connection: Connection) -> None:
    """What was known of Pipedrive's catalogue is kept; the next regular reading asks again."""
    connection.catalogue_read_at = timezone.now()
    connection.save(update_fields=["catalogue_read_at"])


def end_connection(connection: Connection) -> None:
    """The links and the history stay; the tokens do not."""
    with transaction.atomic():
        for transfer in Transfer.objects.filter(connection=connection, state__in=["running", "paused"]):
            finish_transfer(
                str(transfer.pk), "cancelled", timezone.now(), text=say("The connection was ended.")
            )
        previews = Transfer.objects.filter(connection=connection, state__in=["preview", "ready"])
        previews.update(
            state="cancelled", finished_at=timezone.now(), state_text=say("The connection was ended.")
        )
        connection.refresh_from_db()
        connection.status, connection.reason = Status.PAUSED.value, Reason.NONE.value
        connection.secret, connection.hook_secret = None, None
        connection.disconnected_at = timezone.now()
        connection.save()


def delete_connection(connection: Connection) -> None:
    """Everything Tidegate knows of it: links, history, what waits, transfers; and the mirror, where nobody else uses it.

    A worker that is still busy with its lane finds its hold gone, and stores nothing.
    """
    lane = connection.lane
    with transaction.atomic():
        Lane.objects.filter(pk=lane.pk).update(epoch=F("epoch") + 1)
        connection.delete()
        if not lane.connections.exists():
            lane.delete()


def link_survivor(connection: Connection, *, prospect_id: str, survivor_id: str) -> None:
    """Of two prospects whose persons became one, this one is in step with it from now on; the other keeps the vanished id.

    Raises Conflict where the survivor or the prospect has no link any more.
    """
    with transaction.atomic():
        rows = Link.objects.select_for_update().filter(connection=connection)
        chosen = rows.filter(prospect_id=prospect_id).first()
        other = rows.filter(person_id=survivor_id).first()
        if chosen is None or other is None:
            raise Conflict(
                say("The two prospects are no longer linked as they were. Retry to look at them again.")
            )
        if chosen.pk == other.pk:
            return
        vanished, chosen.person_id = chosen.person_id, f"-{chosen.pk}"  # one link per person, at every moment
        chosen.save(update_fields=["person_id"])
        other.person_id, other.state = vanished, "person_gone"
        other.save(update_fields=["person_id", "state"])
        chosen.person_id, chosen.state, chosen.base = survivor_id, "chosen", b"{}"
        chosen.save(update_fields=["person_id", "state", "base"])


def link_pair(connection: Connection, *, prospect_id: str, person_id: str) -> None:
    """The pair a member chose. Raises Conflict where one of the two is linked to somebody else."""
    try:
        with transaction.atomic():
            Link.objects.get_or_create(
                connection=connection,
                prospect_id=prospect_id,
                person_id=person_id,
                defaults={"state": "chosen"},
            )
    except IntegrityError as error:
        raise Conflict(say("One of the two is linked to another record already.")) from error
