"""What each side offers for the settings: fields with their kinds and options, lists, users, pipelines, stages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from tidegate.core.values import Kind, option_key


@dataclass(frozen=True, slots=True)
class Option:
    id: str
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """One field of one side."""

    key: str
    name: str
    kind: Kind
    custom: bool = False
    writable: bool = True
    options: tuple[Option, ...] = ()
    max_length: int | None = None
    max_digits: int | None = None
    """Numbers and amounts: how many significant digits the side keeps."""
    max_items: int | None = None
    """Addresses and numbers: how many of them the field holds."""
    single: bool = False
    """Addresses and numbers: the field holds one of them only."""
    one_line: bool = False
    """Texts: the field holds a single line."""

    def option_id(self, label: str) -> str | None:
        wanted = option_key(label)
        return next((option.id for option in self.options if option_key(option.label) == wanted), None)

    def known_label(self, label: str) -> str | None:
        """The label as this field spells it; None where it has no such option."""
        wanted = option_key(label)
        return next((option.label for option in self.options if option_key(option.label) == wanted), None)

    def option_label(self, option_id: str) -> str | None:
        return next((option.label for option in self.options if option.id == option_id), None)


@dataclass(frozen=True, slots=True)
class NamedList:
    id: str
    name: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class User:
    id: str
    name: str
    email: str = ""
    active: bool = True
    is_me: bool = False
    time_zone: str = ""
    is_admin: bool | None = None
    """Whether the user sees and may do everything there; None where Pipedrive did not say."""


@dataclass(frozen=True, slots=True)
class Stage:
    id: str
    name: str
    pipeline_id: str
    order: int


@dataclass(frozen=True, slots=True)
class Pipeline:
    id: str
    name: str
    order: int
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonFilter:
    """A saved selection of persons in Pipedrive."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class OutreachCatalogue:
    fields: tuple[Field, ...] = ()
    lists: tuple[NamedList, ...] = ()
    read_at: datetime | None = None
    _by_key: Mapping[str, Field] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_key", by_key(self.fields))

    def field(self, key: str) -> Field | None:
        return self._by_key.get(key)


@dataclass(frozen=True, slots=True)
class PipedriveCatalogue:
    fields: tuple[Field, ...] = ()
    """Person fields, plus the system field `organization`."""
    users: tuple[User, ...] = ()
    pipelines: tuple[Pipeline, ...] = ()
    read_at: datetime | None = None
    organization_fields: tuple[Field, ...] = field(default=())
    activity_types: tuple[str, ...] = ()
    """The keys of those in use; empty where they were not read."""
    filters: tuple[PersonFilter, ...] = ()
    _by_key: Mapping[str, Field] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_key", by_key(self.fields))

    def field(self, key: str) -> Field | None:
        return self._by_key.get(key)

    def with_field(self, field: Field) -> "PipedriveCatalogue":
        """The catalogue with this field in place of the one of its key, or at the end."""
        fields = {known.key: known for known in self.fields} | {field.key: field}
        return replace(self, fields=tuple(fields.values()))

    def filter_of(self, filter_id: str) -> PersonFilter | None:
        return next((known for known in self.filters if known.id == filter_id), None)


def by_key(fields: Iterable[Field]) -> dict[str, Field]:
    """The first one of each key."""
    found: dict[str, Field] = {}
    for each in fields:
        found.setdefault(each.key, each)
    return found


def find_field(fields: Iterable[Field], key: str) -> Field | None:
    return next((candidate for candidate in fields if candidate.key == key), None)
