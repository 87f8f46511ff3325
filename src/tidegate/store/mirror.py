"""Our own memory of a company's persons and organizations: who has this address, what did that person last show.

Kept by walks, catch-ups, reads and what our own writes return. Everything here is one lane's.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import orjson

from tidegate.core.bases import record_from_json, record_to_json
from tidegate.core.records import ORGANIZATION, Record, Side, with_organization
from tidegate.core.values import Kind, name_key
from tidegate.ports import Organization
from tidegate.store.models import MirrorAddress, MirrorOrganization, MirrorPerson
from tidegate.store.rows import put_rows

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def save_persons(lane_id: int, records: Sequence[Record], kinds: Mapping[str, Kind]) -> None:
    """Remember these persons; an older state never replaces a newer one, an unchanged one writes nothing."""
    latest = {record.id: record for record in records}
    if not latest:
        return
    known = _known(lane_id, list(latest))
    packed = {record.id: _pack(record, kinds) for record in latest.values()}
    news = [r for r in latest.values() if _is_news(r, packed[r.id], known.get(r.id))]
    put_rows(
        MirrorPerson,
        [
            {
                "lane_id": lane_id,
                "person_id": int(record.id),
                "name": record.name[:300],
                "organization_id": int(record.organization_id) if record.organization_id else None,
                "record": packed[record.id].decode(),
                "updated_at": record.updated_at,
                "walk": 0,
            }
            for record in news
        ],
        unique=("lane_id", "person_id"),
        update=("name", "organization_id", "record", "updated_at"),
    )
    _save_addresses(lane_id, news, known)


def _pack(record: Record, kinds: Mapping[str, Kind]) -> bytes:
    """The organization's name is not kept with the person: it can change without the person changing."""
    values = {key: value for key, value in record.values.items() if key != ORGANIZATION}
    return orjson.dumps(record_to_json(replace(record, values=values), kinds), option=orjson.OPT_SORT_KEYS)


Packed = tuple[bytes, datetime | None]
"""A person as it is kept, and when Pipedrive said it was changed last."""


def _known(lane_id: int, ids: Sequence[str]) -> dict[str, Packed]:
    rows = MirrorPerson.objects.filter(lane_id=lane_id, person_id__any=[int(i) for i in ids])
    return {
        str(number): (bytes(record), updated_at)
        for number, record, updated_at in rows.values_list("person_id", "record", "updated_at")
    }


def _is_news(record: Record, packed: bytes, known: Packed | None) -> bool:
    if known is None:
        return True
    return packed != known[0] and (record.updated_at or _LONG_AGO) >= (known[1] or _LONG_AGO)


def _save_addresses(lane_id: int, news: Sequence[Record], known: Mapping[str, Packed]) -> None:
    changed = [record for record in news if record.id in known]
    if changed:
        MirrorAddress.objects.filter(lane_id=lane_id, person_id__in=[int(r.id) for r in changed]).delete()
    put_rows(
        MirrorAddress,
        [
            {"lane_id": lane_id, "address": address[:320], "person_id": int(record.id)}
            for record in news
            for address in dict.fromkeys(record.emails)
        ],
        unique=("lane_id", "address", "person_id"),
    )


def forget_persons(lane_id: int, ids: Collection[str]) -> None:
    numbers = [int(i) for i in ids]
    MirrorAddress.objects.filter(lane_id=lane_id, person_id__in=numbers).delete()
    MirrorPerson.objects.filter(lane_id=lane_id, person_id__in=numbers).delete()


def mirrored(lane_id: int, ids: Collection[str]) -> dict[str, Record]:
    """What was last seen of these persons, with the name of their organization as we know it now."""
    known = _known(lane_id, [i for i in ids if i.isdigit()])
    records = {
        i: record_from_json(Side.PIPEDRIVE, i, orjson.loads(packed)) for i, (packed, _) in known.items()
    }
    names = organization_names(lane_id, {r.organization_id for r in records.values() if r.organization_id})
    return {i: with_organization(record, names) for i, record in records.items()}


def last_changes(lane_id: int, ids: Collection[str]) -> dict[str, datetime | None]:
    rows = MirrorPerson.objects.filter(lane_id=lane_id, person_id__any=[int(i) for i in ids])
    return {str(number): updated_at for number, updated_at in rows.values_list("person_id", "updated_at")}


def persons_named(lane_id: int, name: str, since: datetime) -> list[Record]:
    rows = MirrorPerson.objects.filter(lane_id=lane_id, name=name[:300], updated_at__gte=since)
    return list(
        mirrored(lane_id, [str(number) for number in rows.values_list("person_id", flat=True)]).values()
    )


def holders(lane_id: int, addresses: Collection[str]) -> dict[str, tuple[str, ...]]:
    rows = MirrorAddress.objects.filter(lane_id=lane_id, address__any=addresses).order_by("person_id")
    found: dict[str, list[str]] = {}
    for address, person_id in rows.values_list("address", "person_id"):
        found.setdefault(address, []).append(str(person_id))
    return {address: tuple(ids) for address, ids in found.items()}


def save_organizations(lane_id: int, organizations: Iterable[Organization]) -> list[str]:
    """Remember these organizations; the ids of those that had another name until now."""
    latest = {organization.id: organization for organization in organizations}
    before = organization_names(lane_id, latest) if latest else {}
    put_rows(
        MirrorOrganization,
        [
            {
                "lane_id": lane_id,
                "organization_id": int(o.id),
                "name": o.name[:300],
                "name_key": name_key(o.name)[:300],
            }
            for o in latest.values()
        ],
        unique=("lane_id", "organization_id"),
        update=("name", "name_key"),
    )
    return [i for i, o in latest.items() if i in before and before[i] != o.name[:300]]


def forget_organizations(lane_id: int, ids: Collection[str]) -> None:
    if ids:
        numbers = [int(i) for i in ids]
        MirrorOrganization.objects.filter(lane_id=lane_id, organization_id__in=numbers).delete()


def organization_names(lane_id: int, ids: Collection[str]) -> dict[str, str]:
    rows = MirrorOrganization.objects.filter(lane_id=lane_id, organization_id__any=[int(i) for i in ids])
    return {str(number): name for number, name in rows.values_list("organization_id", "name")}


def organizations_named(lane_id: int, names: Collection[str]) -> dict[str, Organization]:
    """Name key -> the organization of that name as it spells it, the lowest id where there are several."""
    keys = {name_key(name)[:300] for name in names}
    rows = MirrorOrganization.objects.filter(lane_id=lane_id, name_key__any=keys).order_by("-organization_id")
    return {row.name_key: Organization(str(row.organization_id), row.name) for row in rows}


def persons_of_organizations(lane_id: int, organization_ids: Collection[str]) -> list[str]:
    rows = MirrorPerson.objects.filter(
        lane_id=lane_id, organization_id__in=[int(i) for i in organization_ids]
    )
    return [str(number) for number in rows.values_list("person_id", flat=True)]
