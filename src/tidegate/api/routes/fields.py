"""Fields of prospects: the system fields, which are always there, and the workspace's own."""

from typing import Literal, Self

from ninja import Router
from ninja.responses import Status as Answered
from pydantic import Field

from tidegate.api.auth import ApiRequest, Scope, needs
from tidegate.api.paging import Page
from tidegate.api.routes.prospects import author_of
from tidegate.api.schemas import UNSET, Answer, Body
from tidegate.prospects import queries, services
from tidegate.prospects.models import CustomField

router = Router(tags=["Fields"])

Type = Literal[
    "text", "long_text", "number", "money", "date", "time", "datetime", "date_range", "boolean", "option", "options",
    "phone", "email", "address", "link",
]  # fmt: skip

SYSTEM: tuple[tuple[str, str, Type], ...] = (
    ("first_name", "First name", "text"),
    ("last_name", "Last name", "text"),
    ("email", "E-mail", "email"),
    ("phone", "Phone", "phone"),
    ("company", "Company name", "text"),
    ("job_title", "Position", "text"),
)


class FieldAnswer(Answer):
    key: str = Field(
        description="Under this key the value stands in a prospect, for custom fields within `custom`."
    )
    mapping_key: str = Field(description="How a connection's settings name this field.")
    name: str
    type: Type
    custom: bool
    options: list[str] = Field(description="The labels of single and multiple options, in order.")

    @classmethod
    def of(cls, field: CustomField) -> Self:
        shown = {"key": field.key, "mapping_key": f"custom.{field.key}", "custom": True}
        return cls.model_validate({**shown, "name": field.name, "type": field.type, "options": field.options})


class NewField(Body):
    name: str = Field(min_length=1, max_length=100)
    type: Type
    options: list[str] = Field(default_factory=list, max_length=1_000)


class FieldChanges(Body):
    name: str = Field(UNSET, min_length=1, max_length=100)
    options: list[str] = Field(
        UNSET, max_length=1_000, description="All labels in order. One that prospects have can't be left out."
    )
    renames: dict[str, str] = Field(
        UNSET, description="Old label -> new label: prospects that have the old one get the new one."
    )


@router.get("", auth=needs(Scope.READ), response=Page[FieldAnswer], summary="List the fields of prospects")
def list_fields(request: ApiRequest) -> Page[FieldAnswer]:
    """System fields first. All of them on one page: there are few."""
    system = [
        FieldAnswer(key=key, mapping_key=key, name=name, type=kind, custom=False, options=[])
        for key, name, kind in SYSTEM
    ]
    custom = [FieldAnswer.of(field) for field in queries.read_fields(request.auth.workspace_id)]
    return Page(data=system + custom)


@router.post(
    "", auth=needs(Scope.WRITE_PROSPECTS), response={201: FieldAnswer}, summary="Make a custom field"
)
def create_field(request: ApiRequest, new: NewField) -> Answered[FieldAnswer]:
    made = services.create_field(author_of(request), new.name, new.type, new.options)
    return Answered(201, FieldAnswer.of(made))


@router.get("/{key}", auth=needs(Scope.READ), response=FieldAnswer, summary="Read a custom field")
def read_field(request: ApiRequest, key: str) -> FieldAnswer:
    return FieldAnswer.of(services.get_field(request.auth.workspace_id, key))


@router.patch(
    "/{key}", auth=needs(Scope.WRITE_PROSPECTS), response=FieldAnswer, summary="Change a custom field"
)
def update_field(request: ApiRequest, key: str, changes: FieldChanges) -> FieldAnswer:
    """The key and the type stay for life."""
    return FieldAnswer.of(services.change_field(author_of(request), key, **changes.given()))


@router.delete(
    "/{key}", auth=needs(Scope.WRITE_PROSPECTS), response={204: None}, summary="Delete a custom field"
)
def delete_field(request: ApiRequest, key: str) -> Answered[None]:
    """With every prospect's value in it. Mappings that name the field sleep until they are changed."""
    services.delete_field(author_of(request), key)
    return Answered(204, None)
