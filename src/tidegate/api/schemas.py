"""The shapes all routes share. Bodies are strict (nothing unknown, nothing bent into another type); ids are strings."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, StrictBool, StrictInt

Flag = StrictBool
Count = StrictInt


class Body(BaseModel):
    """What a caller sends. A field that isn't there is a mistake to be told, not to be overlooked."""

    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """Only what was sent: in a PATCH, what isn't there stays as it is."""
        return {name: getattr(self, name) for name in self.model_fields_set}


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
