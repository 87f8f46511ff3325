"""Connections: making and ending them, their settings, what keeps them from being launched, their status.

A connection is one flat object: what is answered can be sent back by PATCH, key by key. `version` counts the saved
settings, so that two editors don't overwrite each other.
"""

from dataclasses import replace
from typing import Any, Literal, Self
from uuid import UUID

from ninja import Query, Router
from ninja.responses import Status as Answered
from pydantic import Field, SecretStr, StrictInt

from tidegate.api.auth import ApiRequest, Scope, actor, needs
from tidegate.api.automation_shapes import AutomationBody, HistoryEvent, automations_of
from tidegate.api.find import find_connection
from tidegate.api.idempotency import outside_transaction
from tidegate.api.paging import Page, PageQuery, page_of
from tidegate.api.problems import ProblemError
from tidegate.api.schemas import UNSET, Answer, Body, Flag, GivenId, Id, Moment
from tidegate.core.automation import history_events_from_json
from tidegate.core.connection import Status
from tidegate.core.limits import DEFAULT_LIMITS, RANGES, limits_from_json
from tidegate.core.problem import Problem
from tidegate.core.records import Side
from tidegate.core.settings import Constant, Direction, FieldMapping, Settings, settings_to_json
from tidegate.store import queries
from tidegate.store.models import Connection
from tidegate.wiring import actions

router = Router(tags=["Connections"])


MEANINGS = {
    "direction": "Where changes travel.",
    "sync_to_list": "The list that receives persons; required when data comes from Pipedrive.",
    "owner_id": "The Pipedrive user who owns what Tidegate creates; required when data goes to Pipedrive.",
    "sync_from_lists": "The lists whose prospects travel. Null: all, those still to be created included.",
    "mappings": "Pairs of fields that share their value, the system pairs first.",
    "constants": "Values that records get when they are transferred.",
    "include_email_history": "Whether campaign e-mails become activities of the person.",
    "only_with_email": "Whether prospects and persons without an e-mail address stay where they are.",
    "source_app": "Whose value wins when both sides changed one field.",
    "filter_id": "A Pipedrive filter that limits which persons come in.",
    "brakes": "How much may change within ten minutes before it is stopped and shown to you. Sent as a whole.",
    "automations": "What campaign events start in Pipedrive; at most one automation for each trigger.",
    "history_events": "Which events are worth an update of a campaign e-mail's activity.",
    "unsubscribe_in_pipedrive": "Whether who unsubscribes or bounces is unsubscribed in Pipedrive's Campaigns, too. It can't be taken back.",
}


def meant(key: str, default: Any = ..., **limits: Any) -> Any:
    """A settings field with its meaning, the same where it is read and where it is sent."""
    return Field(default, description=MEANINGS[key], **limits)


class Mapping(Body):
    """A pair of fields that share their value, by their keys in the catalogue."""

    outreach: str = Field(max_length=200)
    pipedrive: str = Field(max_length=200)


class ConstantField(Body):
    """A custom field of one side, and the value that every record gets which is transferred into it."""

    side: Side = Field(description="The app whose field it is.")
    field: str = Field(max_length=200, description="The field's key.")
    value: str = Field(max_length=10_000, description="As text, as one would type it in.")


def _limit(name: str, meaning: str) -> Any:
    least, most = RANGES[name]
    return Field(getattr(DEFAULT_LIMITS, name), ge=least, le=most, description=meaning)


class BrakeLimits(Body):
    """What is more than this is stopped before it is written, until somebody confirms or drops it."""

    on: Flag = Field(default=True, description="Whether there are brakes at all.")
    share_percent: StrictInt = _limit(
        "share_percent", "Records that change, of all that are linked, in per cent."
    )
    records: StrictInt = _limit("records", "So many records may change, whatever their share is.")
    emptied: StrictInt = _limit("emptied", "Values that are emptied.")
    created: StrictInt = _limit("created", "Records that are made in either app.")


class SettingsAnswer(Answer):
    """The settings, as they are sent back by PATCH."""

    direction: Direction = meant("direction")
    sync_to_list: str | None = meant("sync_to_list")
    owner_id: str | None = meant("owner_id")
    sync_from_lists: list[str] | None = meant("sync_from_lists")
    mappings: list[Mapping] = meant("mappings")
    constants: list[ConstantField] = meant("constants")
    include_email_history: bool = meant("include_email_history")
    only_with_email: bool = meant("only_with_email")
    source_app: Side = meant("source_app")
    filter_id: str | None = meant("filter_id")
    brakes: BrakeLimits = meant("brakes")
    automations: list[AutomationBody] = meant("automations")
    history_events: list[HistoryEvent] = meant("history_events")
    unsubscribe_in_pipedrive: bool = meant("unsubscribe_in_pipedrive")


class ConnectionAnswer(SettingsAnswer):
    id: Id
    outreach_app: str
    status: Status
    reason: str = Field(
        description="Why it is paused or failed: new, reconnect, incomplete, brakes, or empty."
    )
    reason_text: str
    version: int = Field(description="Counts the saved settings; send it with PATCH.")
    company_id: str
    company_name: str
    company_domain: str
    auth_method: Literal["oauth", "token"]
    created_at: Moment
    connected_at: Moment = Field(
        description="When Pipedrive was authorised last: at first, or by a reconnect."
    )
    launched_at: Moment | None

    @classmethod
    def of(cls, connection: Connection) -> Self:
        own = {name: getattr(connection, name) for name in cls.model_fields if hasattr(connection, name)}
        settings = settings_to_json(connection.get_settings())
        return cls.model_validate({**own, **settings, "version": connection.settings_version})


class NewConnection(Body):
    company_domain: str = Field(
        min_length=1,
        max_length=200,
        description="The company's part of its Pipedrive address.",
        examples=["acme"],
    )
    api_token: SecretStr = Field(
        min_length=1,
        max_length=200,
        description="A personal API token: Pipedrive, Personal preferences, API.",
    )


class SettingsChange(Body):
    """Only what is sent changes."""

    version: StrictInt | None = Field(
        None, description="The version these changes are made to; 409 when somebody saved meanwhile."
    )
    direction: Direction = meant("direction", UNSET)
    sync_to_list: GivenId | None = meant("sync_to_list", None)
    owner_id: GivenId | None = meant("owner_id", None)
    sync_from_lists: list[GivenId] | None = meant("sync_from_lists", None, max_length=10_000)
    mappings: list[Mapping] = meant("mappings", UNSET, max_length=1_000)
    constants: list[ConstantField] = meant("constants", UNSET, max_length=1_000)
    include_email_history: Flag = meant("include_email_history", UNSET)
    only_with_email: Flag = meant("only_with_email", UNSET)
    source_app: Side = meant("source_app", UNSET)
    filter_id: GivenId | None = meant("filter_id", None)
    brakes: BrakeLimits = meant("brakes", UNSET)
    automations: list[AutomationBody] = meant("automations", UNSET, max_length=50)
    history_events: list[HistoryEvent] = meant("history_events", UNSET, max_length=50)
    unsubscribe_in_pipedrive: Flag = meant("unsubscribe_in_pipedrive", UNSET)

    def applied_to(self, settings: Settings) -> Settings:
        given: dict[str, Any] = self.given()
        given.pop("version", None)
        if "sync_from_lists" in given and self.sync_from_lists is not None:
            given["sync_from_lists"] = tuple(self.sync_from_lists)
        if "mappings" in given:
            given["mappings"] = tuple(FieldMapping(m.outreach, m.pipedrive) for m in self.mappings)
        if "constants" in given:
            given["constants"] = tuple(Constant(c.side, c.field, c.value) for c in self.constants)
        if "brakes" in given:
            given["brakes"] = limits_from_json(self.brakes.model_dump())
        if "automations" in given:
            given["automations"] = automations_of(self.automations)
        if "history_events" in given:
            given["history_events"] = history_events_from_json(self.history_events)
        return replace(settings, **given)


class Resumption(Body):
    apply_waiting: Flag = Field(
        default=True,
        description="Whether what changed during the pause is applied now, or left as it is in either app.",
    )


class ProblemAnswer(Answer):
    """One thing that keeps the connection from being launched."""

    code: str
    place: str = Field(
        description="The settings key it is about: `owner_id`, `mappings.3`, `automations.email_sent.create_deal.pipeline`."
    )
    message: str


@router.get("", auth=needs(Scope.READ), response=Page[ConnectionAnswer], summary="List connections")
def list_connections(request: ApiRequest, page: Query[PageQuery]) -> Page[ConnectionAnswer]:
    rows = Connection.objects.filter(workspace=request.auth.workspace, disconnected_at__isnull=True)
    return page_of(rows, page, ConnectionAnswer.of, order=("created_at", "pk"))


@router.post(
    "",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response={201: ConnectionAnswer, 200: ConnectionAnswer},
    summary="Connect by a personal API token",
)
@outside_transaction
def make_connection(request: ApiRequest, new: NewConnection) -> Answered[ConnectionAnswer]:
    """The new connection is paused until it is launched; one of this company that is there already gets the token (200).

    OAuth, the better way to connect, needs a browser: use the pages.
    """
    live = Connection.objects.filter(workspace=request.auth.workspace, disconnected_at__isnull=True)
    before = set(live.values_list("pk", flat=True))
    connection = actions.connect_with_token(
        workspace=request.auth.workspace,
        company_domain=new.company_domain,
        api_token=new.api_token.get_secret_value(),
        actor=actor(request),
    )
    return Answered(200 if connection.pk in before else 201, ConnectionAnswer.of(connection))


@router.get(
    "/{connection_id}", auth=needs(Scope.READ), response=ConnectionAnswer, summary="Read a connection"
)
def read_connection(request: ApiRequest, connection_id: UUID) -> ConnectionAnswer:
    return ConnectionAnswer.of(find_connection(request, connection_id))


@router.patch(
    "/{connection_id}",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response=ConnectionAnswer,
    summary="Change settings",
)
def change_settings(request: ApiRequest, connection_id: UUID, change: SettingsChange) -> ConnectionAnswer:
    """Real-time sync follows the new settings from then on. While paused, incomplete settings can be saved too."""
    connection = find_connection(request, connection_id)
    settings = change.applied_to(connection.get_settings())
    # Without a version the one just read guards the other keys, which would be put back to what they were here.
    version = connection.settings_version if change.version is None else change.version
    saved = actions.save_settings(connection, settings, version=version, actor=actor(request))
    return ConnectionAnswer.of(saved)


@router.delete(
    "/{connection_id}", auth=needs(Scope.WRITE_CONNECTIONS), response={204: None}, summary="Disconnect"
)
@outside_transaction
def end_connection(request: ApiRequest, connection_id: UUID, delete_history: bool = False) -> Answered[None]:
    """Removes Pipedrive's webhooks and revokes the tokens. Links and history stay, unless `delete_history` is true."""
    connection = find_connection(request, connection_id)
    actions.disconnect(connection, actor=actor(request), delete_history=delete_history)
    return Answered(204, None)


@router.get(
    "/{connection_id}/problems",
    auth=needs(Scope.READ),
    response=Page[ProblemAnswer],
    summary="List what keeps it from being launched",
)
def list_problems(request: ApiRequest, connection_id: UUID) -> Page[ProblemAnswer]:
    """All at once, in the order of the settings page. None: it is ready to launch."""
    found = actions.problems(find_connection(request, connection_id))
    return Page(data=[ProblemAnswer.model_validate(problem) for problem in found])


@router.post(
    "/{connection_id}/launch",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response=ConnectionAnswer,
    summary="Launch",
)
@outside_transaction
def launch(request: ApiRequest, connection_id: UUID) -> ConnectionAnswer:
    """Starts real-time sync. With settings missing nothing is started, and `errors` names each place (409)."""
    connection = find_connection(request, connection_id)
    return started(connection, actions.launch(connection, actor=actor(request)))


@router.post(
    "/{connection_id}/pause", auth=needs(Scope.WRITE_CONNECTIONS), response=ConnectionAnswer, summary="Pause"
)
def pause(request: ApiRequest, connection_id: UUID) -> ConnectionAnswer:
    """Nothing is transferred in real time until it is resumed; what happens meanwhile is kept."""
    connection = find_connection(request, connection_id)
    actions.pause(connection, actor=actor(request))
    return _as_it_is_now(connection)


@router.post(
    "/{connection_id}/resume",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response=ConnectionAnswer,
    summary="Resume",
)
@outside_transaction
def resume(
    request: ApiRequest, connection_id: UUID, resumption: Resumption | None = None
) -> ConnectionAnswer:
    """Goes on after a pause. With settings missing the connection fails, and `errors` names each place (409)."""
    connection = find_connection(request, connection_id)
    apply_waiting = (resumption or Resumption()).apply_waiting
    return started(connection, actions.resume(connection, actor=actor(request), apply_waiting=apply_waiting))


class WaitingAnswer(Answer):
    """Records that wait in the inbox: of one app and one kind."""

    side: Side
    kind: queries.WaitingKind
    records: int


@router.get(
    "/{connection_id}/waiting",
    auth=needs(Scope.READ),
    response=Page[WaitingAnswer],
    summary="List what waits, by kind",
)
def list_waiting(request: ApiRequest, connection_id: UUID) -> Page[WaitingAnswer]:
    """What a resume with `apply_waiting` would look at. Each record counts once, by what happened to it last."""
    found = queries.waiting_by_kind(find_connection(request, connection_id))
    return Page(data=[WaitingAnswer.model_validate(waiting) for waiting in found])


def started(connection: Connection, found: list[Problem]) -> ConnectionAnswer:
    """The connection as it is now, or a 409 that names what keeps it from going on."""
    if found:
        faults: dict[str, list[str]] = {}
        for problem in found:
            faults.setdefault(problem.place, []).append(problem.message)
        detail = f"The connection can't be started. {found[0].message}"
        raise ProblemError(409, "incomplete", "Incomplete", detail, errors=faults)
    return _as_it_is_now(connection)


def _as_it_is_now(connection: Connection) -> ConnectionAnswer:
    connection.refresh_from_db()
    return ConnectionAnswer.of(connection)
