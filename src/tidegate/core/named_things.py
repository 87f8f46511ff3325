"""How a settings file names things of the two apps, and how it writes values: as TOML, each with its id and its name."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field


class Thing(BaseModel):
    """Something of one app, as the file names it."""

    model_config = ConfigDict(extra="forbid")
    id: str = Field(min_length=1, max_length=200)
    name: str = Field("", max_length=400)


class Named(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


def thing(known: Iterable[Named], wanted: str) -> dict[str, str]:
    return {"id": wanted, "name": next((item.name for item in known if item.id == wanted), "")}


def toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + "".join(f"\n  {toml(item)}," for item in value) + ("\n]" if value else "]")
    # A JSON text is a TOML text but for the one character that TOML alone wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def shown(value: Any) -> str:
    """A value of the file for people."""
    if isinstance(value, list):
        return ", ".join(shown(item) for item in value) or "none"
    if isinstance(value, dict):
        return f"“{value['name']}” ({value['id']})" if value["name"] else str(value["id"])
    return str(value).lower() if isinstance(value, bool) else str(value)
