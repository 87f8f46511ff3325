"""Create, change and delete prospects.

Whoever creates prospects or changes their addresses first takes the workspace's lock for the length of the transaction,
so that "nobody has this address yet" is still true when the row is written. Locks are taken in one order everywhere:
fields, lists, addresses, then prospects by id.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from tidegate.errors import Conflict, Invalid, NotFound
from tidegate.prospects.authors import Author, announce, announce_closed
from tidegate.prospects.content import Content, is_nobody, is_tighter, lay_over, read_content, shapes_of
from tidegate.prospects.events.waiting import adopt_for_prospects
from tidegate.prospects.models import Consent, CustomField, Prospect, ProspectEmail, ProspectList
from tidegate.prospects.search_keys import fill_keys
from tidegate.prospects.values import FieldShape, normal_email
from tidegate.words import say

NOBODY = say("A prospect needs a name, an e-mail address, a phone number or a company.")
CHANGEABLE = (
    "first_name",
    "last_name",
    "company",
    "job_title",
    "emails",
    "phones",
    "email_status",
    "consent",
    "consent_at",
    "custom",
    "updated_at",
    "name_key",
    "search_words",
)


class Outcome(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Saved:
    prospect: Prospect
    outcome: Outcome


@transaction.atomic
def create_prospect(
    author: Author,
    raw: Mapping[str, object],
    *,
    list_ids: Collection[int] = (),
    allow_double: bool = False,
    key: str | None = None,
) -> Saved:
    """A new prospect. The same `key` again answers the one made then, unchanged.

    Raises Invalid, and Conflict where somebody has one of the addresses already (unless doubles are allowed).
    """
    content = read_content(raw, custom_shapes(author.workspace_id))
    lists = find_lists(author.workspace_id, list_ids)
    lock_addresses(author.workspace_id)
    made = _made_with(author, key)
    if made is not None:
        return Saved(made, Outcome.UNCHANGED)
    if not allow_double:
        _refuse_double(author.workspace_id, content)
    prospect = new_prospect(author, content, key=key)
    if is_nobody(prospect):
        raise Invalid(NOBODY, errors={"email": [NOBODY]})
    _insert(author, [prospect], lists)
    return Saved(prospect, Outcome.CREATED)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A prospect to be made. The same `key` again answers the one made then, unchanged."""

    raw: Mapping[str, object]
    key: str


@transaction.atomic
def create_prospects(
    author: Author, newcomers: Sequence[Newcomer], *, list_ids: Collection[int] = ()
) -> list[Saved | Invalid]:
    """New prospects, each with an answer or its fault: a fixed number of queries whatever their number. Nobody asks whether
    one of the addresses is known already. Raises Invalid where a list is not there.
    """
    shapes = custom_shapes(author.workspace_id)
    lists = find_lists(author.workspace_id, list_ids)
    lock_addresses(author.workspace_id)
    keys = [newcomer.key for newcomer in newcomers]
    rows = Prospect.objects.filter(workspace_id=author.workspace_id, origin_key__in=keys)
    made: dict[str, Prospect | Invalid] = {str(row.origin_key): row for row in rows}
    fresh: dict[str, Prospect] = {}
    for newcomer in newcomers:
        if newcomer.key not in made:
            one = made[newcomer.key] = _prepared(author, newcomer, shapes)
            if isinstance(one, Prospect):
                fresh[newcomer.key] = one
    _insert(author, list(fresh.values()), lists)
    return [
        one
        if isinstance(one, Invalid)
        else Saved(one, Outcome.CREATED if key in fresh else Outcome.UNCHANGED)
        for key, one in ((key, made[key]) for key in keys)
    ]


def _prepared(author: Author, newcomer: Newcomer, shapes: Mapping[str, FieldShape]) -> Prospect | Invalid:
    try:
        prospect = new_prospect(author, read_content(newcomer.raw, shapes), key=newcomer.key)
    except Invalid as error:
        return error
    return Invalid(NOBODY, errors={"email": [NOBODY]}) if is_nobody(prospect) else prospect


def _insert(author: Author, prospects: Sequence[Prospect], lists: Sequence[ProspectList]) -> None:
    """With what hangs on them, and told to whoever listens."""
    if prospects:
        Prospect.objects.bulk_create(prospects)
        write_addresses(author, prospects)
        add_memberships([(prospect.pk, item.pk) for prospect in prospects for item in lists])
        announce(author, "create", [prospect.pk for prospect in prospects])


@transaction.atomic
def update_prospect(
    author: Author,
    prospect_id: int,
    raw: Mapping[str, object],
    *,
    list_ids: Collection[int] | None = None,
    allow_double: bool = True,
    still: Callable[[Prospect], None] | None = None,
) -> Saved:
    """Change the given fields and, where `list_ids` is given, make these the lists it is in. Raises NotFound, Invalid, Conflict.

    `still` sees the prospect as it is, and it stays so until it is saved: raising, it keeps everything as it was.
    """
    content = read_content(raw, custom_shapes(author.workspace_id))
    lists = None if list_ids is None else find_lists(author.workspace_id, list_ids)
    if content.changes_addresses:
        lock_addresses(author.workspace_id)
    prospect = _get_locked(author.workspace_id, prospect_id)
    if still is not None:
        still(prospect)
    if not allow_double:
        _refuse_double(author.workspace_id, content, besides=prospect_id)
    if content.consent is not None and is_tighter(prospect.consent, content.consent):
        raise Conflict(
            say(
                "{name} is marked “{consent}”. Only a member can open that again, on the prospect’s page.",
                name=prospect.name,
                consent=Consent(prospect.consent).label,
            ),
            prospect_id=prospect_id,
        )
    before = prospect.consent
    changed = lay_over(prospect, content)
    if changed:
        if is_nobody(prospect):
            raise Invalid(NOBODY, errors={"email": [NOBODY]})
        prospect.updated_at = timezone.now()
        prospect.save(update_fields=CHANGEABLE)
        write_addresses(author, [prospect])
    moved = lists is not None and _set_lists(prospect, lists)
    if changed or moved:
        announce(author, "change", [prospect_id])
    if prospect.consent != before:
        announce_closed(author, [prospect_id])
    return Saved(prospect, Outcome.UPDATED if changed or moved else Outcome.UNCHANGED)


@transaction.atomic
def delete_prospects(author: Author, ids: Collection[int]) -> int:
    """Delete those of them that are there; how many were."""
    rows = Prospect.objects.select_for_update().filter(workspace_id=author.workspace_id, pk__in=ids)
    found = list(rows.order_by("pk").values_list("pk", flat=True))
    if found:
        Prospect.objects.filter(pk__in=found).delete()
        announce(author, "delete", found)
    return len(found)


def custom_shapes(workspace_id: UUID) -> dict[str, FieldShape]:
    """What custom values must fit; it stays so until the end of the transaction."""
    _lock("fields", workspace_id, shared=True)
    return shapes_of(list(CustomField.objects.filter(workspace_id=workspace_id)))


def find_lists(workspace_id: UUID, list_ids: Collection[int]) -> list[ProspectList]:
    """These lists. Raises Invalid where one is not of this workspace."""
    wanted = set(list_ids)
    # Locked, so that nobody deletes a list between this look and the row that names it.
    rows = ProspectList.objects.select_for_update(no_key=True)
    found = list(rows.filter(workspace_id=workspace_id, pk__in=wanted).order_by("pk")) if wanted else []
    if len(found) < len(wanted):
        text = say("One of these lists does not exist. It may have been deleted.")
        raise Invalid(text, errors={"list_ids": [text]})
    return found


def lock_addresses(workspace_id: UUID) -> None:
    """Wait until nobody else creates prospects or changes addresses in this workspace; free again at the end of the transaction."""
    _lock("addresses", workspace_id)


def lock_fields(workspace_id: UUID) -> None:
    """Wait until nobody writes values of custom fields, and let nobody until the end of the transaction."""
    _lock("fields", workspace_id)


def _lock(what: str, workspace_id: UUID, *, shared: bool = False) -> None:
    digest = hashlib.blake2b(what.encode() + workspace_id.bytes, digest_size=8).digest()
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [int.from_bytes(digest, "big", signed=True)])


def new_prospect(author: Author, content: Content, *, key: str | None) -> Prospect:
    prospect = Prospect(workspace_id=author.workspace_id, origin=author.origin, origin_key=key)
    lay_over(prospect, content)
    fill_keys(prospect)
    return prospect


def write_addresses(author: Author, prospects: Sequence[Prospect]) -> None:
    """Make the rows of `ProspectEmail` say what these prospects say; what waits for a new address finds its prospect."""
    wanted = {
        (prospect.pk, normal_email(entry["value"])): prospect.workspace_id
        for prospect in prospects
        for entry in prospect.emails
    }
    rows = ProspectEmail.objects.filter(prospect__in=[prospect.pk for prospect in prospects])
    there = {(pid, address): pk for pk, pid, address in rows.values_list("pk", "prospect_id", "address")}
    surplus = [pk for pair, pk in there.items() if pair not in wanted]
    if surplus:
        ProspectEmail.objects.filter(pk__in=surplus).delete()
    added = [pair for pair in wanted if pair not in there]
    ProspectEmail.objects.bulk_create(
        ProspectEmail(workspace_id=wanted[pair], prospect_id=pair[0], address=pair[1]) for pair in added
    )
    adopt_for_prospects(author, added)


def missing_memberships(pairs: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those of the pairs (prospect id, list id) that are not there yet."""
    if not pairs:
        return set()
    rows = Prospect.lists.through.objects.filter(
        prospect_id__in={pair[0] for pair in pairs}, prospectlist_id__in={pair[1] for pair in pairs}
    )
    return set(pairs) - set(rows.values_list("prospect_id", "prospectlist_id"))


def add_memberships(pairs: Collection[tuple[int, int]]) -> set[int]:
    """Put prospects into lists. The prospects that were not in one of them before."""
    through = Prospect.lists.through
    missing = missing_memberships(pairs)
    through.objects.bulk_create(
        (through(prospect_id=pid, prospectlist_id=lid) for pid, lid in sorted(missing)), ignore_conflicts=True
    )
    return {pair[0] for pair in missing}


def _made_with(author: Author, key: str | None) -> Prospect | None:
    if key is None:
        return None
    return Prospect.objects.filter(workspace_id=author.workspace_id, origin_key=key).first()


def _get_locked(workspace_id: UUID, prospect_id: int) -> Prospect:
    rows = Prospect.objects.select_for_update(no_key=True)
    prospect = rows.filter(workspace_id=workspace_id, pk=prospect_id).first()
    if prospect is None:
        raise NotFound(say("There is no such prospect. It may have been deleted."))
    return prospect


def _refuse_double(workspace_id: UUID, content: Content, *, besides: int | None = None) -> None:
    rows = ProspectEmail.objects.filter(workspace_id=workspace_id, address__in=content.addresses)
    row = rows.exclude(prospect=besides).select_related("prospect").order_by("prospect_id").first()
    if row is not None:
        raise Conflict(
            say("{name} has the address {address} already.", name=row.prospect.name, address=row.address),
            prospect_id=row.prospect_id,
        )


def _set_lists(prospect: Prospect, lists: Sequence[ProspectList]) -> bool:
    wanted = {item.pk for item in lists}
    rows = Prospect.lists.through.objects.filter(prospect_id=prospect.pk)
    removed, _ = rows.exclude(prospectlist_id__in=wanted).delete()
    added = add_memberships([(prospect.pk, item) for item in wanted])
    return bool(removed or added)
