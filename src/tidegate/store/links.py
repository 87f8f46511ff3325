"""Links: which prospect is which person, and what both last agreed on."""

from collections.abc import Collection, Iterable

import orjson
from django.db.models import Q
from django.utils import timezone

from tidegate.ports import LinkToSave, StoredLink
from tidegate.store.models import Link
from tidegate.store.rows import Row, put_rows


def links_of(
    connection_id: str, *, prospect_ids: Collection[str] = (), person_ids: Collection[str] = ()
) -> list[StoredLink]:
    """The links that name any of these, each once, oldest first."""
    if not prospect_ids and not person_ids:
        return []
    named = Q(prospect_id__any=prospect_ids) | Q(person_id__any=person_ids)
    rows = Link.objects.filter(named, connection_id=connection_id).order_by("id")
    return [
        StoredLink(id_, prospect_id, person_id, orjson.loads(base), state, written_at)
        for id_, prospect_id, person_id, base, state, written_at in rows.values_list(
            "id", "prospect_id", "person_id", "base", "state", "written_at"
        )
    ]


def linked_persons(connection_id: str, person_ids: Collection[str]) -> dict[str, str]:
    rows = Link.objects.filter(connection_id=connection_id, person_id__any=person_ids)
    return dict(rows.values_list("person_id", "prospect_id"))


def count_linked(connection_id: str) -> int:
    return Link.objects.filter(connection_id=connection_id, state="linked").count()


def save_links(connection_id: str, links: Iterable[LinkToSave]) -> None:
    """Upsert: by row where the link is known, by prospect where it is new."""
    changed: dict[int, Row] = {}
    fresh: dict[str, Row] = {}
    for link in links:
        row = _to_row(connection_id, link)
        if link.id is not None:
            changed[link.id] = {"id": link.id, **row}
        else:
            fresh[link.prospect_id] = row
    told = ("person_id", "base", "state", "written_at")
    put_rows(Link, list(changed.values()), unique=("id",), update=("prospect_id", *told))
    put_rows(Link, list(fresh.values()), unique=("connection_id", "prospect_id"), update=told)


def drop_links(connection_id: str, ids: Collection[int]) -> None:
    """An undo took these back."""
    if ids:
        Link.objects.filter(connection_id=connection_id, pk__in=list(ids)).delete()


def _to_row(connection_id: str, link: LinkToSave) -> Row:
    return {
        "connection_id": connection_id,
        "prospect_id": link.prospect_id,
        "person_id": link.person_id,
        "base": orjson.dumps(link.base).decode(),
        "state": link.state,
        "written_at": link.written_at,
        "created_at": timezone.now(),
        "seen_round": 0,
    }
