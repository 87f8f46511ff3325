"""What both sides offer for the settings: fields with their types, lists, users, pipelines, stages."""

from uuid import UUID

from ninja import Router
from ninja.responses import Status as Answered
from pydantic import Field as Described

from tidegate.api.auth import ApiRequest, Scope, actor, needs
from tidegate.api.find import find_connection
from tidegate.api.idempotency import outside_transaction
from tidegate.api.schemas import Answer, Body, Moment
from tidegate.core.records import Side
from tidegate.core.values import Kind
from tidegate.store.models import Connection
from tidegate.wiring import actions, fields

router = Router(tags=["Connections"])


class OptionAnswer(Answer):
    id: str
    label: str


class FieldAnswer(Answer):
    key: str = Described(description="What mappings and constants name it by.")
    name: str
    kind: Kind = Described(description="Its data type; only fields of one type can be mapped to each other.")
    custom: bool
    writable: bool
    options: list[OptionAnswer]
    max_length: int | None


class NamedListAnswer(Answer):
    id: str
    name: str
    size: int | None


class PipedriveUserAnswer(Answer):
    id: str
    name: str
    email: str
    active: bool
    is_me: bool = Described(description="The user who connected.")
    is_admin: bool | None = Described(
        description="Sees everything there; null where Pipedrive did not say. Who connected decides what is synced."
    )


class StageAnswer(Answer):
    id: str
    name: str
    order: int


class PipelineAnswer(Answer):
    id: str
    name: str
    order: int
    stages: list[StageAnswer]


class PersonFilterAnswer(Answer):
    id: str
    name: str


class OutreachCatalogueAnswer(Answer):
    fields: list[FieldAnswer]
    lists: list[NamedListAnswer]
    read_at: Moment | None


class PipedriveCatalogueAnswer(Answer):
    fields: list[FieldAnswer] = Described(
        description="Person fields, and `organization` for the company's name."
    )
    users: list[PipedriveUserAnswer]
    pipelines: list[PipelineAnswer]
    filters: list[PersonFilterAnswer] = Described(
        description="Saved filters of persons; one of them can limit who comes in (`filter_id`)."
    )
    read_at: Moment | None


class CatalogueAnswer(Answer):
    outreach: OutreachCatalogueAnswer
    pipedrive: PipedriveCatalogueAnswer

    @classmethod
    def of(cls, connection: Connection) -> "CatalogueAnswer":
        return cls(
            outreach=OutreachCatalogueAnswer.model_validate(actions.outreach_catalogue(connection)),
            pipedrive=PipedriveCatalogueAnswer.model_validate(actions.pipedrive_catalogue(connection)),
        )


@router.get(
    "/{connection_id}/catalogue",
    auth=needs(Scope.READ),
    response=CatalogueAnswer,
    summary="Read the catalogue",
)
def read_catalogue(request: ApiRequest, connection_id: UUID) -> CatalogueAnswer:
    """Pipedrive's side is as of the last refresh."""
    return CatalogueAnswer.of(find_connection(request, connection_id))


@router.post(
    "/{connection_id}/refresh",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response=CatalogueAnswer,
    summary="Reread the catalogue",
)
@outside_transaction
def refresh_catalogue(request: ApiRequest, connection_id: UUID) -> CatalogueAnswer:
    """Rereads Pipedrive's fields, options, users, pipelines and stages, and answers with the new catalogue."""
    connection = find_connection(request, connection_id)
    actions.refresh(connection)
    connection.refresh_from_db()
    return CatalogueAnswer.of(connection)


class NewCatalogueField(Body):
    """A custom field to be made on one side, for a mapping that finds no fitting one."""

    side: Side = Described(description="The app that gets the field.")
    name: str = Described(min_length=1, max_length=255)
    kind: Kind
    options: list[str] = Described(
        default_factory=list,
        max_length=1_000,
        description="Labels in order, for single and multiple options.",
    )


class NewOptions(Body):
    """Options to be added to a field of single or multiple options."""

    side: Side
    key: str = Described(min_length=1, max_length=200, description="The field's key in the catalogue.")
    labels: list[str] = Described(min_length=1, max_length=1_000)


@router.post(
    "/{connection_id}/catalogue/fields",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response={201: FieldAnswer},
    summary="Make a custom field on either side",
)
@outside_transaction
def create_catalogue_field(
    request: ApiRequest, connection_id: UUID, new: NewCatalogueField
) -> Answered[FieldAnswer]:
    """It is there at once and can be mapped. A field of this name and type that is there already is not made twice (409)."""
    made = fields.create_field(
        find_connection(request, connection_id),
        new.side,
        name=new.name,
        kind=new.kind,
        options=new.options,
        actor=actor(request),
    )
    return Answered(201, FieldAnswer.model_validate(made))


@router.post(
    "/{connection_id}/catalogue/options",
    auth=needs(Scope.WRITE_CONNECTIONS),
    response=FieldAnswer,
    summary="Add options to a field",
)
@outside_transaction
def add_catalogue_options(request: ApiRequest, connection_id: UUID, new: NewOptions) -> FieldAnswer:
    """Labels the field has already are left as they are. Answers with the field as it is then."""
    connection = find_connection(request, connection_id)
    changed = fields.add_options(connection, new.side, key=new.key, labels=new.labels, actor=actor(request))
    return FieldAnswer.model_validate(changed)
