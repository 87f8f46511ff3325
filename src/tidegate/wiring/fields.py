"""Custom fields and options made on the spot, on either side: from the mapping page, or by a program.

They exist from that moment, whether or not the settings are saved. A field of this name and type is not made twice, however
often or by how many at once the button is pressed: one press at a time in each company, written down before it is sent. Where an
answer is lost, this process ends before it came, or another workspace is connected to the same company, Pipedrive's fields are
read again before anything is made.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from django.db import transaction

from tidegate.adapters.outreach.prospects import CUSTOM, field_of
from tidegate.adapters.pipedrive.definitions import CREATABLE
from tidegate.core.catalogue import Field
from tidegate.core.records import Side
from tidegate.core.values import Json, Kind, compatible
from tidegate.errors import (
    Conflict,
    Invalid,
    InvalidForRemote,
    NotFound,
    RecordGone,
    RemoteUnavailable,
    TidegateError,
)
from tidegate.ports import Crm
from tidegate.prospects import services
from tidegate.prospects.models import FieldType
from tidegate.prospects.services import Author
from tidegate.store import catalogues
from tidegate.store.making import Note, note, one_at_a_time, strike_out
from tidegate.store.models import Connection
from tidegate.wiring.asking import ask_pipedrive
from tidegate.wiring.parts import CLOCK
from tidegate.words import say

WITH_OPTIONS = (Kind.OPTION, Kind.OPTIONS)
SETTLING = timedelta(seconds=3)
"""What was asked for earlier, and never answered, is looked for no sooner than this after it was written down."""


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
        raise Invalid(errors={"name": [say("Name the new field.")]})
    labels = list(dict.fromkeys(label.strip() for label in options if label.strip()))
    if kind in WITH_OPTIONS and not labels:
        raise Invalid(errors={"options": [say("A field of this type needs at least one option.")]})
    if side is Side.OUTREACH:
        return _create_in_store(connection, name, kind, labels, actor)
    return _create_in_pipedrive(connection, name, kind, labels)


def add_options(connection: Connection, side: Side, *, key: str, labels: Sequence[str], actor: str) -> Field:
    """The field with these options at its end; those it has already are left as they are. Raises NotFound, Invalid."""
    known = find_field(connection, side, key)
    if known.kind not in WITH_OPTIONS:
        raise Invalid(errors={"key": [say("“{field}” is no field of options.", field=known.name)]})
    new = _lacking(known, [label.strip() for label in labels if label.strip()])
    if not new:
        return known
    if side is Side.OUTREACH:
        author = Author(connection.workspace_id, actor, "page")
        every = [option.label for option in known.options] + new
        changed = field_of(services.change_field(author, key.removeprefix(CUSTOM), options=every))
        connection.refresh_from_db(fields=["catalogue"])
        return changed
    return _add_to_pipedrive(connection, key, new)


def find_field(connection: Connection, side: Side, key: str) -> Field:
    """Raises NotFound."""
    if side is Side.OUTREACH:
        found = catalogues.outreach_catalogue(connection).field(key)
    else:
        found = catalogues.pipedrive_catalogue(connection).field(key)
    if found is None:
        raise NotFound(say("There is no such field any more. Refresh the fields."))
    return found


def _create_in_store(
    connection: Connection, name: str, kind: Kind, labels: Sequence[str], actor: str
) -> Field:
    if kind.value not in FieldType.values:
        raise Invalid(errors={"kind": [say("Prospects have no fields of this type.")]})
    author = Author(connection.workspace_id, actor, "page")
    made = field_of(services.create_field(author, name, kind.value, labels))
    connection.refresh_from_db(fields=["catalogue"])  # announced by the store, and stored meanwhile
    return made


def _create_in_pipedrive(connection: Connection, name: str, kind: Kind, labels: Sequence[str]) -> Field:
    seen = {field.key for field in catalogues.pipedrive_catalogue(connection).fields}
    with one_at_a_time(connection):
        fields = catalogues.pipedrive_catalogue(connection).fields
        twin = _twin(fields, name, kind)
        if twin is not None and twin.key in seen:
            raise Conflict(
                say("Pipedrive has a field “{name}” of this type already. Choose that one.", name=name)
            )
        if twin is not None:
            return twin  # made while this press waited: a doubled form, or a colleague's
        facts: dict[str, Json] = {"name": name, "known": [field.key for field in fields]}
        making = _Making(connection, note(connection, "field", f"{kind.value} {name.casefold()}", facts))

        async def look(crm: Crm) -> Field | None:
            known = making.note.facts["known"]
            there = (await crm.read_catalogue()).fields
            return _twin([field for field in there if field.key not in known], name, kind)

        return making.carried_out(look, lambda crm: crm.create_field(name, kind, labels), place="name")


def _twin(fields: Iterable[Field], name: str, kind: Kind) -> Field | None:
    wanted = name.casefold()
    return next((f for f in fields if f.name.casefold() == wanted and compatible(kind, f.kind)), None)


def _add_to_pipedrive(connection: Connection, key: str, labels: Sequence[str]) -> Field:
    with one_at_a_time(connection):
        known = find_field(connection, Side.PIPEDRIVE, key)
        if not _lacking(known, labels):
            return known  # added while this press waited
        making = _Making(connection, note(connection, "options", key, {"labels": list(labels)}))

        async def look(crm: Crm) -> Field | None:
            nonlocal known
            known = (await crm.read_catalogue()).field(key) or known
            return None if _lacking(known, labels) else known

        async def add(crm: Crm) -> Field:
            added = await crm.add_options(known, _lacking(known, labels))
            return replace(known, options=(*known.options, *added))

        try:
            return making.carried_out(look, add, place="labels")
        except RecordGone as error:
            raise NotFound(
                say("Pipedrive no longer has the field “{field}”. Refresh the fields.", field=known.name)
            ) from error


def _lacking(field: Field, labels: Iterable[str]) -> list[str]:
    return [label for label in labels if field.known_label(label) is None]


Look = Callable[[Crm], Awaitable[Field | None]]
Make = Callable[[Crm], Awaitable[Field]]


class _Making:
    """One thing being made in Pipedrive, from its note to the stored catalogue."""

    def __init__(self, connection: Connection, made: Note) -> None:
        self.connection, self.note = connection, made
        self.unsure = made.earlier
        """Whether it may be there although nobody told us."""

    def carried_out(self, look: Look, make: Make, *, place: str) -> Field:
        """The field as it is afterwards. `look` finds what an answer that never came would have told of.

        Where it stays unknown what became of it, the note stays, and the next press begins with a look. Raises Invalid
        for `place` where Pipedrive refuses it, and what `ask_pipedrive` raises.
        """
        try:
            field = ask_pipedrive(self.connection, partial(self._made_or_found, look, make))
        except TidegateError as error:
            if not self.unsure:
                strike_out(self.note)
            if isinstance(error, InvalidForRemote):
                raise Invalid(error.user_message, errors={place: [error.user_message]}) from error
            raise
        with transaction.atomic():
            catalogue = catalogues.pipedrive_catalogue(self.connection)
            catalogues.store_catalogues(self.connection, pipedrive=catalogue.with_field(field))
            strike_out(self.note)
        return field

    async def _made_or_found(self, look: Look, make: Make, crm: Crm) -> Field:
        if self.note.earlier:
            await CLOCK.sleep(max(0.0, (self.note.written_at + SETTLING - CLOCK.now()).total_seconds()))
        if self.note.earlier or self.note.shared:
            found = await look(crm)
            if found is not None:
                return found
            self.unsure = False
        try:
            return await make(crm)
        except RemoteUnavailable as error:
            if not error.sent:
                raise
            self.unsure = True
            found = await look(crm)
            if found is None:
                raise
            return found
