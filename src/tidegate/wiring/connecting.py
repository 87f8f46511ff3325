"""How a connection comes about and ends: signing in at Pipedrive, a personal API token, disconnecting.

Everything that Pipedrive has to be asked is asked before anything is stored: where an answer fails, no connection is left half made. What
was granted and is not kept is given back, unless another connection lives by the same grant: Pipedrive knows one for each user of a company.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from django.db import transaction

from tidegate.adapters.http import HttpSender
from tidegate.adapters.pipedrive.auth import missing_scopes
from tidegate.adapters.pipedrive.quota import LaneQuota
from tidegate.config import config
from tidegate.core.catalogue import PipedriveCatalogue
from tidegate.core.connection import Reason, Status
from tidegate.core.settings import default_settings, settings_to_json
from tidegate.errors import (
    AuthorizationLost,
    Conflict,
    Invalid,
    NeedsAttention,
    PermissionMissing,
    TemporaryError,
)
from tidegate.ports import Account, Credentials, Crm, Feature, Tokens
from tidegate.services.credentials import PersonalToken
from tidegate.store import budget, catalogues, connections
from tidegate.store.audit import Act, note
from tidegate.store.memory import add_spent
from tidegate.store.models import Connection, User, Workspace
from tidegate.store.schedule import LaneSchedule
from tidegate.store.vault import ConnectionVault
from tidegate.wiring import parts
from tidegate.wiring.news import store_outreach_catalogue
from tidegate.wiring.oauth_only import check_tokens_are_welcome
from tidegate.wiring.steps import request_step, run
from tidegate.wiring.upkeep import remove_webhooks
from tidegate.words import say

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found:
    """What Pipedrive says to credentials that no connection has yet."""

    api_domain: str
    account: Account
    catalogue: PipedriveCatalogue
    spent: dict[str, tuple[int, int]]
    """Feature -> tokens and requests of asking."""


def connect_url(*, user: User, workspace: Workspace, connection: Connection | None = None) -> str:
    """Where to send the browser to sign in at Pipedrive. Raises Invalid where no OAuth app is set up."""
    authorizer = parts.authorizer(HttpSender())
    return authorizer.authorize_url(connections.make_state(user, workspace, connection))


def finish_oauth(*, user: User, state: str, code: str) -> Connection:
    """The way back from Pipedrive: a new connection, or the one that was to be reconnected."""
    began = connections.use_state(user, state)
    return finish_authorisation(began.workspace, code, connection=began.connection, actor=str(user))


def finish_authorisation(
    workspace: Workspace, code: str, *, actor: str, connection: Connection | None = None
) -> Connection:
    """Turn a code into a connection. Also where an install begins in the Marketplace, with no state."""

    async def dialogue(http: HttpSender) -> tuple[Tokens, Found]:
        authorizer = await request_step(parts.authorizer, http)
        tokens = await authorizer.exchange_code(code)
        crm, quota = _beforehand(tokens.api_domain, parts.BearerToken(tokens.access_token), http)
        account = await crm.who_am_i()
        if missing := missing_scopes(tokens.scopes):
            await _give_back(http, tokens.refresh_token, account.company_id, account.user_id)
            raise PermissionMissing(
                say(
                    "The app at Pipedrive lacks these permissions: {permissions}.",
                    permissions=", ".join(missing),
                )
            )
        catalogue = await crm.read_catalogue()
        return tokens, Found(tokens.api_domain, account, catalogue, _spent(quota))

    tokens, found = run(_with_http, dialogue)
    try:
        return _store(workspace, connection, found, actor, tokens=tokens)
    except Conflict:
        account = found.account
        run(
            _with_http,
            lambda http: _give_back(http, tokens.refresh_token, account.company_id, account.user_id),
        )
        raise


def connect_with_token(
    *,
    workspace: Workspace,
    company_domain: str,
    api_token: str,
    actor: str,
    connection: Connection | None = None,
) -> Connection:
    """The older way: a personal API token of one Pipedrive user. Raises Conflict where the workspace requires OAuth."""
    check_tokens_are_welcome(workspace)
    address = config.pipedrive_api_url.replace("{domain}", _subdomain(company_domain))

    async def ask(http: HttpSender) -> Found:
        crm, quota = _beforehand(address, PersonalToken(api_token), http)
        try:
            account = await crm.who_am_i()
        except AuthorizationLost as error:
            text = say(
                "Pipedrive does not accept this token. Copy it anew from Pipedrive’s personal preferences, under API."
            )
            raise Invalid(say("The token was refused."), errors={"api_token": [text]}) from error
        return Found(address, account, await crm.read_catalogue(), _spent(quota))

    return _store(workspace, connection, run(_with_http, ask), actor, personal_token=api_token)


def _beforehand(address: str, credentials: Credentials, http: HttpSender) -> tuple[Crm, LaneQuota]:
    quota = parts.quota_beforehand()
    return parts.crm_at(address, credentials, http, quota.with_feature(Feature.SETUP)), quota


def _spent(quota: LaneQuota) -> dict[str, tuple[int, int]]:
    return {feature.value: tokens for feature, tokens in quota.take_spent().items()}


def _store(
    workspace: Workspace,
    connection: Connection | None,
    found: Found,
    actor: str,
    *,
    tokens: Tokens | None = None,
    personal_token: str | None = None,
) -> Connection:
    """The connection with what both sides offer and, where it is new, the settings to begin with: all of it or nothing."""
    with transaction.atomic():
        made = connections.save_authorisation(
            workspace,
            connection,
            found.account,
            tokens=tokens,
            personal_token=personal_token,
            api_domain=found.api_domain,
        )
        _note_connected(made, actor)
        catalogues.store_catalogues(made, pipedrive=found.catalogue)
        store_outreach_catalogue(made)
        if not made.settings:
            _begin_settings(made)
            budget.know_seats(made.lane, sum(user.active for user in found.catalogue.users))
        add_spent(made.lane_id, found.spent)
    return made


def _begin_settings(made: Connection) -> None:
    start = default_settings(
        catalogues.outreach_catalogue(made),
        catalogues.pipedrive_catalogue(made),
        owner_id=made.pipedrive_user_id,
    )
    made.settings = settings_to_json(start)  # the version stays 1: nobody has saved yet
    made.save(update_fields=["settings"])


def _note_connected(made: Connection, actor: str) -> None:
    act = Act.RECONNECTED if made.was_there else Act.CONNECTED
    facts = {"by": say("signing in") if made.auth_method == "oauth" else say("personal token")}
    note(made.workspace_id, act, actor=actor, subject=made.company_name, after=facts)


def _subdomain(company_domain: str) -> str:
    """`acme` from `acme`, `acme.pipedrive.com` or the address of a page there."""
    name = (
        company_domain.strip().lower().removeprefix("https://").split("/")[0].removesuffix(".pipedrive.com")
    )
    if not name or not all(part.isalnum() for part in name.split("-") if part):
        text = say("Enter the part before .pipedrive.com in Pipedrive’s address. Example: acme")
        raise Invalid(say("The company’s address can’t be read."), errors={"company_domain": [text]})
    return name


def disconnect(connection: Connection, *, actor: str, delete_history: bool = False) -> None:
    """Take down the webhooks and give the tokens back; the links and the history stay, unless asked to be deleted.

    Where Pipedrive does not answer, the connection is ended here all the same.
    """

    quota = parts.quota_of(connection.lane, personal_token=connection.auth_method == "token")

    async def take_down(http: HttpSender) -> None:
        crm = await request_step(parts.crm_of, connection, quota=quota, http=http, step=request_step)
        await remove_webhooks(connection, crm)
        if connection.auth_method == "oauth":
            tokens = await request_step(ConnectionVault(str(connection.pk)).load)
            await _give_back(
                http,
                tokens.refresh_token,
                connection.company_id,
                connection.pipedrive_user_id,
                besides=connection,
            )

    try:
        if connection.secret is not None:
            run(_with_http, take_down)
    except (NeedsAttention, TemporaryError, Invalid):
        pass  # what is left over there can do nothing without the address and tokens that are dropped here
    with transaction.atomic():
        connections.end_connection(connection)
        facts = {"history": "deleted" if delete_history else "kept"}
        subject = connection.company_name
        note(connection.workspace_id, Act.DISCONNECTED, actor=actor, subject=subject, after=facts)
    if delete_history:
        connections.delete_connection(connection)


async def _give_back(
    http: HttpSender,
    refresh_token: str,
    company_id: str,
    user_id: str,
    *,
    besides: Connection | None = None,
) -> None:
    """Revoking ends the whole grant: the app is uninstalled for that user (https://pipedrive.readme.io/docs/app-uninstallation).

    Where Pipedrive does not answer, the tokens are dropped all the same and run out by themselves.
    """
    if await request_step(connections.lives_by_grant, company_id, user_id, besides=besides):
        return
    try:
        authorizer = await request_step(parts.authorizer, http)
        await authorizer.revoke(refresh_token)
    except (NeedsAttention, TemporaryError, Invalid):
        return


def lose_authorisation(connection: Connection, text: str) -> None:
    """The app was uninstalled or the authorisation revoked: paused together with its transfer, with a Reconnect button."""
    LaneSchedule().stop(str(connection.pk), Status.PAUSED, Reason.RECONNECT, text)
    connection.refresh_from_db()


async def _with_http(use: Callable[[HttpSender], Awaitable[T]]) -> T:
    async with HttpSender() as http:
        return await use(http)
