"""Links: which prospect is which person, and what both last agreed on."""

from collections.abc import Collection, Iterable
from typing import Any

import orjson
from django.db.models import Q

from tidegate.ports import LinkToSave, StoredLink
from tidegate.store.models import Link


def links_of(
    connection_id: str, *, prospect_ids: Collection[str] = (), person_ids: Collection[str] = ()
) -> list[StoredLink]:
    """The links that name any of these, each once, oldest first."""
    if not prospect_ids and not person_ids:
        return []
    named = Q(prospect_id__in=list(prospect_ids)) | Q(person_id__in=list(person_ids))
    return [_to_port(row) for row in Link.objects.filter(named, connection_id=connection_id).order_by("id")]


def _to_port(row: Link) -> StoredLink:
    return StoredLink(
        id=row.pk,
        prospect_id=row.prospect_id,
        person_id=row.person_id,
        base=orjson.loads(bytes(row.base)),
        state=row.state,
        written_at=row.written_at,
    )


def linked_persons(connection_id: str, person_ids: Collection[str]) -> dict[str, str]:
    rows = Link.objects.filter(connection_id=connection_id, person_id__in=list(person_ids))
    return dict(rows.values_list("person_id", "prospect_id"))


def count_linked(connection_id: str) -> int:
    return Link.objects.filter(connection_id=connection_id, state="linked").count()


def save_links(connection_id: str, links: Iterable[LinkToSave]) -> None:
    """Upsert: by row where the link is known, by prospect where it is new."""
    changed: list[Link] = []
    fresh: list[Link] = []
    for link in links:
        (changed if link.id is not None else fresh).append(_to_row(connection_id, link))
    fields = ["person_id", "base", "state", "written_at"]
    if changed:
        Link.objects.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=["prospect_id", *fields],
            batch_size=1000,
        )
    if fresh:
        Link.objects.bulk_create(
            fresh,
            update_conflicts=True,
            unique_fields=["connection", "prospect_id"],
            update_fields=fields,
            batch_size=1000,
        )


def drop_links(connection_id: str, ids: Collection[int]) -> None:
    """An undo took these back."""
    if ids:
        Link.objects.filter(connection_id=connection_id, pk__in=list(ids)).delete()


def _to_row(connection_id: str, link: LinkToSave) -> Link:
    known: dict[str, Any] = {} if link.id is None else {"id": link.id}
    return Link(
        connection_id=connection_id,
        prospect_id=link.prospect_id,
        person_id=link.person_id,
        base=orjson.dumps(link.base),
        state=link.state,
        written_at=link.written_at,
        **known,
    )
