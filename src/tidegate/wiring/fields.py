"""Custom fields and options made on the spot, on either side: from the mapping page, or by a program.

They exist from that moment, whether or not the settings are saved. A field of this name and type is not made twice; where
Pipedrive's answer is lost, its fields are read again before anything is taken for not made.
"""

from collections.abc import Sequence
from dataclasses import replace

from tidegate.adapters.outreach.prospects import CUSTOM, field_of
from tidegate.adapters.pipedrive.definitions import CREATABLE
from tidegate.core.catalogue import Field
from tidegate.core.records import Side
from tidegate.core.values import Kind, compatible
from tidegate.errors import Conflict, Invalid, InvalidForRemote, NotFound, RecordGone, RemoteUnavailable
from tidegate.ports import Crm
from tidegate.prospects import services
from tidegate.prospects.models import FieldType
from tidegate.prospects.services import Author
from tidegate.store import catalogues
from tidegate.store.models import Connection
from tidegate.wiring.asking import ask_pipedrive

WITH_OPTIONS = (Kind.OPTION, Kind.OPTIONS)


def can_create(side: Side, kind: Kind) -> bool:
    """Whether this side has custom fields of this kind."""
    return kind.value in FieldType.values if side is Side.OUTREACH else kind in CREATABLE


def create_field(
    connection: Connection,
    side: Side,
    *,
    name: str,
    kind: Kind,
    options: Sequence[str] = (),
    actor: str,
) -> Field:
    """The new field, in the stored catalogue too. Raises Invalid by place (`name`, `kind`, `options`), and Conflict."""
    name = " ".join(name.split())
    if not name:
        raise Invalid(errors={"name": ["Name the new field."]})
    labels = list(dict.fromkeys(label.strip() for label in options if label.strip()))
    if kind in WITH_OPTIONS and not labels:
        raise Invalid(errors={"options": ["A field of this type needs at least one option."]})
    if side is Side.OUTREACH:
        return _create_in_store(connection, name, kind, labels, actor)
    return _create_in_pipedrive(connection, name, kind, labels)


def add_options(connection: Connection, side: Side, *, key: str, labels: Sequence[str], actor: str) -> Field:
    """The field with these options at its end; those it has already are left as they are. Raises NotFound, Invalid."""
    known = find_field(connection, side, key)
    new = [label.strip() for label in labels if label.strip() and known.known_label(label) is None]
    if known.kind not in WITH_OPTIONS:
        raise Invalid(errors={"key": [f"“{known.name}” is no field of options."]})
    if not new:
        return known
    if side is Side.OUTREACH:
        author = Author(connection.workspace_id, actor, "page")
        every = [option.label for option in known.options] + new
        changed = field_of(services.change_field(author, key.removeprefix(CUSTOM), options=every))
        connection.refresh_from_db(fields=["catalogue"])
        return changed
    return _add_to_pipedrive(connection, known, new)


def find_field(connection: Connection, side: Side, key: str) -> Field:
    """Raises NotFound."""
    if side is Side.OUTREACH:
        found = catalogues.outreach_catalogue(connection).field(key)
    else:
        found = catalogues.pipedrive_catalogue(connection).field(key)
    if found is None:
        raise NotFound("There is no such field any more. Refresh the fields.")
    return found


def _create_in_store(
    connection: Connection, name: str, kind: Kind, labels: Sequence[str], actor: str
) -> Field:
    if kind.value not in FieldType.values:
        raise Invalid(errors={"kind": ["Prospects have no fields of this type."]})
    author = Author(connection.workspace_id, actor, "page")
    made = field_of(services.create_field(author, name, kind.value, labels))
    connection.refresh_from_db(fields=["catalogue"])  # announced by the store, and stored meanwhile
    return made


def _create_in_pipedrive(connection: Connection, name: str, kind: Kind, labels: Sequence[str]) -> Field:
    before = catalogues.pipedrive_catalogue(connection)
    if any(f.name.casefold() == name.casefold() and compatible(kind, f.kind) for f in before.fields):
        raise Conflict(f"Pipedrive has a field “{name}” of this type already. Choose that one.")
    known = {field.key for field in before.fields}

    async def make(crm: Crm) -> Field:
        try:
            return await crm.create_field(name, kind, labels)
        except RemoteUnavailable as error:
            if not error.sent:
                raise
            fields = (await crm.read_catalogue()).fields
            made = [f for f in fields if f.key not in known and f.name == name and compatible(kind, f.kind)]
            if len(made) != 1:
                raise
            return made[0]

    try:
        field = ask_pipedrive(connection, make)
    except InvalidForRemote as error:
        raise Invalid(error.user_message, errors={"name": [error.user_message]}) from error
    _learn(connection, field)
    return field


def _add_to_pipedrive(connection: Connection, known: Field, labels: Sequence[str]) -> Field:
    async def add(crm: Crm) -> Field:
        try:
            added = await crm.add_options(known, labels)
        except RemoteUnavailable as error:
            if not error.sent:
                raise
            now = (await crm.read_catalogue()).field(known.key)
            if now is None or any(now.known_label(label) is None for label in labels):
                raise
            return now
        return replace(known, options=(*known.options, *added))

    try:
        field = ask_pipedrive(connection, add)
    except RecordGone as error:
        raise NotFound(f"Pipedrive no longer has the field “{known.name}”. Refresh the fields.") from error
    except InvalidForRemote as error:
        raise Invalid(error.user_message, errors={"labels": [error.user_message]}) from error
    _learn(connection, field)
    return field


def _learn(connection: Connection, field: Field) -> None:
    catalogue = catalogues.pipedrive_catalogue(connection)
    catalogues.store_catalogues(connection, pipedrive=catalogue.with_field(field))
