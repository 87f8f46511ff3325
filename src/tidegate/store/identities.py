"""Who is not whom, because a member said so, and who lives on under another id, because Pipedrive said so."""

from collections.abc import Collection, Iterable, Mapping

from tidegate.store.models import KeptApart, PersonAlias

LONGEST_CHAIN = 20
"""Merges of merges that are followed; more than anybody makes."""


def keep_apart(connection_id: str, pairs: Iterable[tuple[str, str]], *, actor: str) -> None:
    """(prospect id, person id) pairs that are not the same; saying it twice is fine."""
    KeptApart.objects.bulk_create(
        [
            KeptApart(
                connection_id=connection_id, prospect_id=prospect, person_id=person, said_by=actor[:200]
            )
            for prospect, person in pairs
        ],
        ignore_conflicts=True,
    )


def kept_apart(
    connection_id: str, *, prospect_ids: Collection[str] = (), person_ids: Collection[str] = ()
) -> set[tuple[str, str]]:
    """The pairs among these that are kept apart. Either the prospects or the persons are named."""
    rows = KeptApart.objects.filter(connection_id=connection_id)
    if prospect_ids:
        rows = rows.filter(prospect_id__any=prospect_ids)
    if person_ids:
        rows = rows.filter(person_id__any=person_ids)
    return set(rows.values_list("prospect_id", "person_id")) if prospect_ids or person_ids else set()


def keep_aliases(lane_id: int, merged: Mapping[str, str]) -> None:
    """Id merged away -> id that lives on."""
    PersonAlias.objects.bulk_create(
        [PersonAlias(lane_id=lane_id, person_id=old, survivor_id=new) for old, new in merged.items()],
        update_conflicts=True,
        unique_fields=["lane", "person_id"],
        update_fields=["survivor_id"],
    )


def survivors(lane_id: int, person_ids: Collection[str]) -> dict[str, str]:
    """Under which id each of these lives on, over any number of merges; those never merged are left out."""
    found = {person_id: person_id for person_id in person_ids}
    for _ in range(LONGEST_CHAIN):
        rows = PersonAlias.objects.filter(lane_id=lane_id, person_id__any=set(found.values()))
        onward = dict(rows.values_list("person_id", "survivor_id"))
        if not onward:
            break
        found = {old: onward.get(now, now) for old, now in found.items()}
    return {old: now for old, now in found.items() if now != old}
