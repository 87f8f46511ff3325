"""The shapes all routes share. Bodies are strict (nothing unknown, nothing bent into another type); ids are strings."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    StrictBool,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

Flag = StrictBool
"""True or false in a body; not 1, "yes" or "on"."""

GivenId = Annotated[str, Field(min_length=1, max_length=64)]
"""An id in a body or a query."""

UNSET: Any = None
"""The default of a field that may be left out but not be null."""


class Body(BaseModel):
    """What a caller sends. A field that isn't there is a mistake to be told, not to be overlooked."""

    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """Only what was sent: in a PATCH, what isn't there stays as it is."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Unchecked:
    """Marks JSON that is described as a model and taken as it comes: `Annotated[JsonValue, Unchecked(Item)]`.

    For items of a bulk call, where what is wrong with one must not refuse the others.
    """

    def __init__(self, model: type[BaseModel]) -> None:
        self.model = model

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler(source)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(self.model.__pydantic_core_schema__)


class Answer(BaseModel):
    """What we send. Made from model instances by `from_attributes` where the names agree."""

    model_config = ConfigDict(from_attributes=True)


def _text_id(raw: object) -> object:
    return str(raw) if isinstance(raw, int | UUID) and not isinstance(raw, bool) else raw


Id = Annotated[str, BeforeValidator(_text_id)]
"""An id in an answer: always a string, whatever it is inside."""

Moment = Annotated[
    datetime,
    PlainSerializer(lambda at: at.astimezone(UTC).isoformat().replace("+00:00", "Z"), return_type=str),
]
"""A time in an answer: ISO 8601 in UTC."""


def _plus_sign(raw: object) -> object:
    """In a query a plus sign means a space, so 2026-05-01T10:00:00+02:00 arrives without one unless it was encoded."""
    return f"{raw[:-6]}+{raw[-5:]}" if isinstance(raw, str) and raw[-6:-5] == " " and "T" in raw else raw


GivenMoment = Annotated[AwareDatetime, BeforeValidator(_plus_sign)]
"""A time in a body or a query: ISO 8601 with its zone."""
