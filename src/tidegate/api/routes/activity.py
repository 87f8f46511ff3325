"""What a connection did, what waits for a person, and how it fares."""

from typing import Annotated, Any, Self
from uuid import UUID

from ninja import Query, Router
from pydantic import BeforeValidator, Field

from tidegate.api.auth import ApiRequest, Scope, actor, needs
from tidegate.api.find import find_attention, find_connection
from tidegate.api.paging import Page, PageQuery, page_of
from tidegate.api.schemas import Answer, Body, GivenId, GivenMoment, Id, Moment
from tidegate.prospects.queries import known_ids
from tidegate.store import queries
from tidegate.store.models import Attention, LogEntry, OutOfStep
from tidegate.wiring import actions

of_connection = Router(tags=["Activity"])
attention = Router(tags=["Activity"])


class LogChange(Answer):
    """One field of a write."""

    field: str
    name: str = ""
    kind: str = ""
    before: Any = None
    after: Any = None
    lost: Any = Field(None, description="In a conflict: the value that did not win.")
    conflict: bool = False


class LogAnswer(Answer):
    """One write, or one decision not to write."""

    id: Id
    at: Moment
    side: str = Field(description="The side that was written.")
    act: str
    prospect_id: str
    person_id: str
    record_name: str
    changes: list[LogChange]
    cause: str
    cause_text: str
    message: str
    tokens: int
    transfer_id: Id | None

    @classmethod
    def of(cls, entry: LogEntry) -> Self:
        return cls.model_validate(entry)


class LogQuery(PageQuery):
    prospect_id: GivenId | None = None
    person_id: GivenId | None = None
    since: GivenMoment | None = Field(None, description="Only what happened at this time or later.")


class DetailsAnswer(Answer):
    """What an app was asked and answered, in its own words."""

    method: str
    path: str = Field(description="With the query; values that may be a person's are left out.")
    status: int
    text: str = Field(description="The error as the app gave it, at most 2,000 characters.")
    code: str = Field(description="The app's code of it, where it has one.")
    at: Moment
    tries: int | None = Field(
        None, description="How often this was tried; null where the case holds several things that failed."
    )
    of: str | None = Field(
        None, description="Of a campaign's case: the run, e-mail or prospect whose failure this is."
    )


class AttentionAnswer(Answer):
    """Something a person must decide or mend."""

    id: Id
    connection_id: Id
    kind: str
    side: str
    prospect_id: str
    person_id: str
    record_name: str
    message: str
    cure: str = Field(description="What to do, in words.")
    facts: dict[str, Any] = Field(
        description="Candidates; the fields and values at fault, and under `correct` each side's fields they come from."
    )
    details: Annotated[DetailsAnswer | None, BeforeValidator(lambda told: told or None)] = Field(
        description="Technical details, where the case came from an app's answer."
    )
    created_at: Moment
    tried_at: Moment
    settled_at: Moment | None
    settled_by: str

    @classmethod
    def of(cls, case: Attention) -> Self:
        return cls.model_validate(case)


class Resolution(Body):
    """The record that was meant, where there were several; nothing where the case only is to be closed."""

    person_id: GivenId | None = None
    prospect_id: GivenId | None = None
    none_of_them: bool = Field(
        False, description="It is somebody else: the candidates are never proposed for this record again."
    )


class ManyCases(Body):
    """Which open cases are meant."""

    kind: str = Field(
        "", max_length=40, description="Cases of this kind alone; of every kind where it is empty."
    )


class ManyAnswer(Answer):
    count: int = Field(description="Cases this was done for, at most 500 at once, the oldest first.")


class SamenessAnswer(Answer):
    """What the rolling check says of the linked pairs, in its last whole round (in the first one: so far)."""

    pairs: int
    in_step: int
    on_their_way: int = Field(description="Pairs with a change that waited while they were looked at.")
    differing: int
    checked_at: Moment | None = Field(description="When the last whole round ended.")
    checking: bool = Field(description="A round is under way.")
    checked_so_far: int


class OutOfStepAnswer(Answer):
    """A linked pair whose two records differ."""

    prospect_id: str
    person_id: str
    name: str
    why: str = Field(
        description="changed: it is being followed now; gone: one record can't be seen; unreadable; left: both were left to differ."
    )
    fields: list[dict[str, Any]] = Field(description="Each field with its value in either app.")
    found_at: Moment

    @classmethod
    def of(cls, found: OutOfStep) -> Self:
        return cls.model_validate(found)


class AlertAnswer(Answer):
    """Something that stops a connection, or lets it fall behind."""

    kind: str = Field(description="reconnect, brakes, failed or behind.")
    text: str = Field(description="What happened and what to do.")
    began_at: Moment
    mailed_at: Moment | None = Field(description="When an e-mail told the owners and admins.")


class HealthAnswer(Answer):
    """How a connection fares now. Null: not known (yet)."""

    status: str
    reason: str
    reason_text: str
    lag_seconds: float | None = Field(description="The age of the oldest change that waits.")
    waiting: int = Field(
        description="Changes that wait; a campaign e-mail whose activity is planned for later is none."
    )
    oldest_waiting_at: Moment | None
    wait_until: Moment | None = Field(description="Nothing of this connection is sent to Pipedrive before.")
    wait_reason: str
    tokens_today: int
    tokens_by_feature: dict[str, int]
    daily_budget: int
    reserve_percent: int = Field(description="The share of the budget left to people and other apps.")
    linked: int
    unseen: int = Field(
        description="Linked persons that the connected user can't see any more, though nobody told that they were deleted."
    )
    prospects: int | None
    persons: int | None
    to_pipedrive_today: int
    from_pipedrive_today: int
    needs_attention: int
    last_sync_at: Moment | None
    last_delivery_at: Moment | None
    webhooks_ok: bool | None
    webhooks_checked_at: Moment | None
    webhooks_problem: str
    webhooks_suspected_at: Moment | None = Field(
        description="Since when changes are found that no webhook told of."
    )
    checked_at: Moment | None = Field(description="When both sides were last compared.")
    sameness: SamenessAnswer | None = Field(description="Null before the first round of the check.")
    alerts: list[AlertAnswer] = Field(description="What somebody should look at, the oldest first.")
    delay_p50: float | None = Field(
        description="Seconds from a change to its copy: the median of the last hour."
    )
    delay_p95: float | None


@of_connection.get(
    "/{connection_id}/log", auth=needs(Scope.READ), response=Page[LogAnswer], summary="Read the activity log"
)
def list_log(request: ApiRequest, connection_id: UUID, query: Query[LogQuery]) -> Page[LogAnswer]:
    """Every write with before, after and cause, the newest first."""
    connection = find_connection(request, connection_id)
    rows = connection.log.all()
    if query.prospect_id is not None:
        rows = rows.filter(prospect_id=query.prospect_id)
    if query.person_id is not None:
        rows = rows.filter(person_id__in=queries.ids_of_person(connection, query.person_id))
    if query.since is not None:
        rows = rows.filter(at__gte=query.since)
    return page_of(rows, query, LogAnswer.of, order=("-at", "-pk"))


@of_connection.get(
    "/{connection_id}/attention",
    auth=needs(Scope.READ),
    response=Page[AttentionAnswer],
    summary="List what needs attention",
)
def list_attention(request: ApiRequest, connection_id: UUID, page: Query[PageQuery]) -> Page[AttentionAnswer]:
    """What is open, the newest first."""
    rows = find_connection(request, connection_id).attention.filter(settled_at__isnull=True)
    return page_of(rows, page, AttentionAnswer.of, order=("-created_at", "-pk"))


@of_connection.post(
    "/{connection_id}/attention/retry",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response=ManyAnswer,
    summary="Try many records again",
)
def retry_many(request: ApiRequest, connection_id: UUID, many: ManyCases | None = None) -> ManyAnswer:
    """All open cases of a kind: the records are looked at again in a moment."""
    connection, kind = find_connection(request, connection_id), many.kind if many else ""
    return ManyAnswer(count=actions.retry_all(connection, kind=kind, actor=actor(request)))


@of_connection.post(
    "/{connection_id}/attention/ignore",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response=ManyAnswer,
    summary="Leave many records alone",
)
def ignore_many(request: ApiRequest, connection_id: UUID, many: ManyCases | None = None) -> ManyAnswer:
    """All open cases of a kind are closed; their records are left alone until they change again."""
    connection, kind = find_connection(request, connection_id), many.kind if many else ""
    return ManyAnswer(count=actions.ignore_all(connection, kind=kind, actor=actor(request)))


@of_connection.get(
    "/{connection_id}/health", auth=needs(Scope.READ), response=HealthAnswer, summary="Read the health"
)
def read_health(request: ApiRequest, connection_id: UUID) -> HealthAnswer:
    return HealthAnswer.model_validate(queries.health(find_connection(request, connection_id)))


@of_connection.get(
    "/{connection_id}/out-of-step",
    auth=needs(Scope.READ),
    response=Page[OutOfStepAnswer],
    summary="List pairs that are not in step",
)
def list_out_of_step(
    request: ApiRequest, connection_id: UUID, page: Query[PageQuery]
) -> Page[OutOfStepAnswer]:
    """As the rolling check found them last, with the reason."""
    rows = OutOfStep.objects.filter(connection=find_connection(request, connection_id))
    return page_of(rows, page, OutOfStepAnswer.of, order=("why", "pk"))


@of_connection.post(
    "/{connection_id}/check",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response=HealthAnswer,
    summary="Check sameness now",
)
def check_now(request: ApiRequest, connection_id: UUID) -> HealthAnswer:
    """Begins a round at once, or hurries the one under way: 10 tokens for 500 persons, when nothing else is to be done."""
    connection = find_connection(request, connection_id)
    actions.check_sameness(connection, actor=actor(request))
    return HealthAnswer.model_validate(queries.health(connection))


class ToSync(Body):
    """Prospects to look at now."""

    prospect_ids: Annotated[list[GivenId], Field(min_length=1, max_length=1000)]


class ToSyncAnswer(Answer):
    count: int = Field(description="Prospects that are looked at.")


@of_connection.post(
    "/{connection_id}/sync",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response=ToSyncAnswer,
    summary="Sync prospects now",
)
def sync_now(request: ApiRequest, connection_id: UUID, to_sync: ToSync) -> ToSyncAnswer:
    """Each of them and its person are looked at in a moment and brought into step. Ids that are no prospect's are passed over."""
    connection = find_connection(request, connection_id)
    ids = known_ids(connection.workspace_id, to_sync.prospect_ids)
    actions.sync_now(connection, [str(i) for i in sorted(ids)], actor=actor(request))
    return ToSyncAnswer(count=len(ids))


@attention.post(
    "/{attention_id}/retry",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response=AttentionAnswer,
    summary="Try a record again",
)
def retry_attention(request: ApiRequest, attention_id: int) -> AttentionAnswer:
    """The record is looked at again in a moment; the case is settled when that goes well."""
    case = find_attention(request, attention_id)
    actions.retry_attention(case, actor=actor(request))
    return _as_it_is_now(case)


@attention.post(
    "/{attention_id}/resolve",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response=AttentionAnswer,
    summary="Settle a case",
)
def resolve_attention(
    request: ApiRequest, attention_id: int, resolution: Resolution | None = None
) -> AttentionAnswer:
    """Where several records could be meant, say which; the answer is remembered."""
    case = find_attention(request, attention_id)
    chosen = resolution or Resolution(none_of_them=False)
    actions.settle_attention(
        case,
        actor=actor(request),
        person_id=chosen.person_id,
        prospect_id=chosen.prospect_id,
        none_of_them=chosen.none_of_them,
    )
    return _as_it_is_now(case)


def _as_it_is_now(case: Attention) -> AttentionAnswer:
    case.refresh_from_db()
    return AttentionAnswer.of(case)
