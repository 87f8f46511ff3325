"""The settings as a file that people read, compare and carry to another installation.

TOML, since it has comments and the standard library reads it. Lists, users and fields are named by id and name. A file
of this very connection is taken by its ids, so that a renamed list is still the same list. In a file of another one an id
could mean something else here, so only names count, and the keys of fields that every installation has.
"""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tidegate.core.automation import history_events_from_json
from tidegate.core.automations_file import (
    AutomationEntry,
    HistoryEvent,
    automation_texts,
    automations_of,
    write_automation,
)
from tidegate.core.catalogue import Field as CatalogueField
from tidegate.core.catalogue import OutreachCatalogue, PipedriveCatalogue
from tidegate.core.limits import DEFAULT_LIMITS, RANGES, limits_from_json, limits_to_json
from tidegate.core.named_things import Named, Thing, shown, thing, toml
from tidegate.core.records import Side
from tidegate.core.settings import Constant, Direction, FieldMapping, Settings
from tidegate.errors import Invalid
from tidegate.words import say


def _limit(name: str) -> Any:
    least, most = RANGES[name]
    return Field(getattr(DEFAULT_LIMITS, name), ge=least, le=most)


class MappedFields(BaseModel):
    model_config = ConfigDict(extra="forbid")
    outreach: Thing
    pipedrive: Thing


class ConstantField(BaseModel):
    model_config = ConfigDict(extra="forbid")
    side: Side
    field: Thing
    value: str = Field(max_length=10_000)


class BrakeLimits(BaseModel):
    """How much may change at once; what is not there keeps its default."""

    model_config = ConfigDict(extra="forbid")
    on: bool = DEFAULT_LIMITS.on
    share_percent: int = _limit("share_percent")
    records: int = _limit("records")
    emptied: int = _limit("emptied")
    created: int = _limit("created")


class SettingsFile(BaseModel):
    """What a file holds. Keys that are not there are not set: a file is the whole of the settings."""

    model_config = ConfigDict(extra="forbid")
    connection: str
    company: str = ""
    version: int
    direction: Direction
    source_app: Side
    include_email_history: bool
    only_with_email: bool
    sync_to_list: Thing | None = None
    owner: Thing | None = None
    sync_from_all_lists: bool
    sync_from_lists: list[Thing] = Field(default_factory=list, max_length=10_000)
    filter: Thing | None = None
    brakes: BrakeLimits = Field(default_factory=lambda: BrakeLimits())
    mappings: list[MappedFields] = Field(max_length=1_000)
    constants: list[ConstantField] = Field(default_factory=list, max_length=1_000)
    history_events: list[HistoryEvent] | None = Field(None, max_length=50)
    unsubscribe_in_pipedrive: bool = False
    automations: list[AutomationEntry] = Field(default_factory=list, max_length=50)


@dataclass(frozen=True, slots=True)
class Place:
    """The connection a file is written from or applied to, with what its two sides offer."""

    connection: str
    company: str
    version: int
    outreach: OutreachCatalogue
    pipedrive: PipedriveCatalogue

    def fields(self, side: Side) -> Sequence[CatalogueField]:
        return (self.outreach if side is Side.OUTREACH else self.pipedrive).fields


# --- To a file


def write_settings(settings: Settings, place: Place) -> str:
    """The text of the file."""
    lines = [
        say("# Settings of the connection to {company}.", company=_one_line(place.company)),
        say(
            "# Change what you like, look at it with `tidegate settings diff FILE`, then `tidegate settings apply FILE`."
        ),
        "",
    ]
    lines += [f"{key} = {toml(value)}" for key, value in _head(settings, place)]
    for mapping in settings.mappings:
        lines += ["", "[[mappings]]"]
        for side in Side:
            lines.append(f"{side.value} = {toml(_field(place, side, mapping.of(side)))}")
    for constant in settings.constants:
        lines += ["", "[[constants]]", f"side = {toml(constant.side.value)}"]
        lines.append(f"field = {toml(_field(place, constant.side, constant.field))}")
        lines.append(f"value = {toml(constant.value)}")
    for automation in settings.automations:
        lines += ["", *write_automation(automation, place.pipedrive)]
    return "\n".join(lines) + "\n"


def _head(settings: Settings, place: Place) -> Iterable[tuple[str, object]]:
    yield "connection", place.connection
    yield "company", place.company
    yield "version", place.version
    yield "direction", settings.direction.value
    yield "source_app", settings.source_app.value
    yield "include_email_history", settings.include_email_history
    yield "history_events", [trigger.value for trigger in settings.history_events]
    yield "unsubscribe_in_pipedrive", settings.unsubscribe_in_pipedrive
    yield "only_with_email", settings.only_with_email
    if settings.sync_to_list is not None:
        yield "sync_to_list", thing(place.outreach.lists, settings.sync_to_list)
    if settings.owner_id is not None:
        yield "owner", thing(place.pipedrive.users, settings.owner_id)
    yield "sync_from_all_lists", settings.sync_from_lists is None
    yield "sync_from_lists", [thing(place.outreach.lists, i) for i in settings.sync_from_lists or ()]
    if settings.filter_id is not None:
        yield "filter", thing(place.pipedrive.filters, settings.filter_id)
    for key, value in limits_to_json(settings.brakes).items():
        yield f"brakes.{key}", value


def _field(place: Place, side: Side, key: str) -> dict[str, str]:
    return {"id": key, "name": next((item.name for item in place.fields(side) if item.key == key), "")}


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


# --- From a file


def read_file(text: str) -> SettingsFile:
    """What the file says. Raises Invalid with the place of each fault."""
    try:
        return SettingsFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise Invalid(
            say("The file is not TOML: {error}.", error=error),
            errors={"file": [say("Not TOML: {error}.", error=error)]},
        ) from error
    except ValidationError as error:
        faults: dict[str, list[str]] = {}
        for fault in error.errors():
            where = ".".join(str(part) for part in fault["loc"]) or "file"
            faults.setdefault(where, []).append(f"{where}: {fault['msg']}.")
        raise Invalid(say("The file can’t be read as settings."), errors=faults) from error


def settings_of(file: SettingsFile, place: Place) -> Settings:
    """The settings the file stands for here. Raises Invalid for what this installation has not."""
    finder = _Finder(place, same_connection=file.connection == place.connection)
    settings = Settings(
        direction=file.direction,
        source_app=file.source_app,
        include_email_history=file.include_email_history,
        only_with_email=file.only_with_email,
        sync_to_list=finder.find("sync_to_list", "list", place.outreach.lists, file.sync_to_list),
        owner_id=finder.find("owner", "Pipedrive user", place.pipedrive.users, file.owner),
        sync_from_lists=None if file.sync_from_all_lists else finder.lists(file.sync_from_lists),
        filter_id=finder.find("filter", "Pipedrive filter", place.pipedrive.filters, file.filter),
        brakes=limits_from_json(file.brakes.model_dump()),
        history_events=history_events_from_json(file.history_events),
        unsubscribe_in_pipedrive=file.unsubscribe_in_pipedrive,
        automations=automations_of(file.automations, place.pipedrive, finder),
        mappings=tuple(finder.mapping(i, mapped) for i, mapped in enumerate(file.mappings)),
        constants=tuple(
            Constant(c.side, finder.field(f"constants.{i}", c.side, c.field), c.value)
            for i, c in enumerate(file.constants)
        ),
    )
    if finder.errors:
        raise Invalid(say("The file names what is not there."), errors=finder.errors)
    return settings


class _Finder:
    """Finds what a file names, and collects what it can't find."""

    def __init__(self, place: Place, *, same_connection: bool) -> None:
        self.place = place
        self.same_connection = same_connection
        self.errors: dict[str, list[str]] = {}

    def find(self, where: str, what: str, known: Iterable[Named], thing: Thing | None) -> str | None:
        if thing is None:
            return None
        known = list(known)
        if self.same_connection and any(item.id == thing.id for item in known):
            return thing.id
        named = [item.id for item in known if thing.name and item.name == thing.name]
        if len(named) == 1:
            return named[0]
        name = thing.name or thing.id
        if named:
            self._fault(
                where,
                say(
                    "{where}: no {what} “{name}” can be chosen, there are several of this name.",
                    where=where,
                    what=what,
                    name=name,
                ),
            )
        else:
            self._fault(
                where,
                say(
                    "{where}: no {what} “{name}” can be chosen, there is none.",
                    where=where,
                    what=what,
                    name=name,
                ),
            )
        return thing.id

    def lists(self, things: Sequence[Thing]) -> tuple[str, ...]:
        found = (
            self.find(f"sync_from_lists.{i}", "list", self.place.outreach.lists, thing)
            for i, thing in enumerate(things)
        )
        return tuple(dict.fromkeys(item for item in found if item is not None))

    def mapping(self, index: int, mapped: MappedFields) -> FieldMapping:
        where = f"mappings.{index}"
        return FieldMapping(
            self.field(where, Side.OUTREACH, mapped.outreach),
            self.field(where, Side.PIPEDRIVE, mapped.pipedrive),
        )

    def field(self, where: str, side: Side, thing: Thing) -> str:
        fields = self.place.fields(side)
        if any(f.key == thing.id and (self.same_connection or not f.custom) for f in fields):
            return thing.id
        named = [f.key for f in fields if thing.name and f.name == thing.name]
        if len(named) == 1:
            return named[0]
        app = "prospects" if side is Side.OUTREACH else "Pipedrive"
        name = thing.name or thing.id
        if named:
            self._fault(
                where,
                say(
                    "{where}: no field “{name}” of {app} can be chosen, there are several of this name.",
                    where=where,
                    name=name,
                    app=app,
                ),
            )
        else:
            self._fault(
                where,
                say(
                    "{where}: no field “{name}” of {app} can be chosen, there is none.",
                    where=where,
                    name=name,
                    app=app,
                ),
            )
        return thing.id

    def _fault(self, where: str, text: str) -> None:
        self.errors.setdefault(where, []).append(text)


# --- Before and after


def differences(before: Settings, after: Settings, place: Place) -> list[str]:
    """What changes, a line each, in the words of the file. Empty: nothing does."""
    was, now = _flat(before, place), _flat(after, place)
    lines = [
        f"{key}: {was.get(key, 'not set')} → {now.get(key, 'not set')}"
        for key in dict.fromkeys([*was, *now])
        if was.get(key) != now.get(key)
    ]
    for what, old, new in (
        ("mapping", _mappings(before, place), _mappings(after, place)),
        ("constant", _constants(before, place), _constants(after, place)),
    ):
        lines += [f"- {what} {text}" for key, text in old.items() if key not in new]
        lines += [f"+ {what} {text}" for key, text in new.items() if key not in old]
    return lines


def _flat(settings: Settings, place: Place) -> dict[str, str]:
    ignored = ("connection", "company", "version", "sync_from_all_lists")
    flat = {key: shown(value) for key, value in _head(settings, place) if key not in ignored}
    if settings.sync_from_lists is None:
        flat["sync_from_lists"] = "all lists"
    return flat | automation_texts(settings.automations, place.pipedrive)


def _mappings(settings: Settings, place: Place) -> dict[str, str]:
    return {
        m.key: " = ".join(shown(_field(place, side, m.of(side))) for side in Side) for m in settings.mappings
    }


def _constants(settings: Settings, place: Place) -> dict[tuple[Side, str, str], str]:
    return {
        (c.side, c.field, c.value): f"{shown(_field(place, c.side, c.field))} = {c.value}"
        for c in settings.constants
    }
