"""The stored copy of what both sides offer: as JSON with the connection, reread on refresh and by the schema watch."""

from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone
from pydantic import TypeAdapter

from tidegate.core.catalogue import OutreachCatalogue, PipedriveCatalogue
from tidegate.core.values import Kind
from tidegate.store.models import Connection

C = TypeVar("C", OutreachCatalogue, PipedriveCatalogue)

_OUTREACH = TypeAdapter(OutreachCatalogue)
_PIPEDRIVE = TypeAdapter(PipedriveCatalogue)


MOST_KEPT = 200
_read: dict[tuple[object, str], tuple[Any, Any]] = {}
"""Connection and side -> what was stored when it was last read, and what it means. Comparing costs far less than reading."""


def outreach_catalogue(connection: Connection) -> OutreachCatalogue:
    return _catalogue(connection, "outreach", _OUTREACH, OutreachCatalogue())


def pipedrive_catalogue(connection: Connection) -> PipedriveCatalogue:
    return _catalogue(connection, "pipedrive", _PIPEDRIVE, PipedriveCatalogue())


def _catalogue(connection: Connection, side: str, reader: TypeAdapter[C], without: C) -> C:
    raw = connection.catalogue.get(side)
    if not raw:
        return without
    known = _read.get((connection.pk, side))
    if known is not None and known[0] == raw:
        meant: C = known[1]
        return meant
    catalogue = reader.validate_python(raw)
    if len(_read) >= MOST_KEPT:
        _read.clear()
    _read[connection.pk, side] = raw, catalogue
    return catalogue


def catalogues_to_json(
    *, outreach: OutreachCatalogue | None = None, pipedrive: PipedriveCatalogue | None = None
) -> dict[str, Any]:
    """The part of `Connection.catalogue` these make."""
    made: dict[str, Any] = {}
    if outreach is not None:
        made["outreach"] = _OUTREACH.dump_python(outreach, mode="json")
    if pipedrive is not None:
        made["pipedrive"] = _PIPEDRIVE.dump_python(pipedrive, mode="json")
    return made


def store_catalogues(
    connection: Connection,
    *,
    outreach: OutreachCatalogue | None = None,
    pipedrive: PipedriveCatalogue | None = None,
) -> None:
    """Keep what was read; the other side's part stays, whoever writes it at the same time."""
    with transaction.atomic():
        row = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        row.catalogue = {**row.catalogue, **catalogues_to_json(outreach=outreach, pipedrive=pipedrive)}
        row.catalogue_read_at = timezone.now() if pipedrive is not None else row.catalogue_read_at
        row.save(update_fields=["catalogue", "catalogue_read_at"])
    connection.catalogue, connection.catalogue_read_at = row.catalogue, row.catalogue_read_at


def person_kinds(catalogue: PipedriveCatalogue) -> dict[str, Kind]:
    """Field key -> kind, for values kept as JSON."""
    return {field.key: field.kind for field in catalogue.fields}
