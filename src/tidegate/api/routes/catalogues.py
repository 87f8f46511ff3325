"""What both sides offer for the settings: fields with their types, lists, users, pipelines, stages."""

from uuid import UUID

from ninja import Router
from pydantic import Field as Described

from tidegate.api.auth import ApiRequest, Scope, needs
from tidegate.api.find import find_connection
from tidegate.api.idempotency import outside_transaction
from tidegate.api.schemas import Answer, Moment
from tidegate.core.values import Kind
from tidegate.store.models import Connection
from tidegate.wiring import actions

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
