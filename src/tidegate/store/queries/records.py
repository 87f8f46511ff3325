"""How many records each side has, and what is known of single persons, from our own memory and for no tokens.

What only the other app could say is None, never a guess.
"""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import CharField, Exists, OuterRef, QuerySet
from django.db.models.functions import Cast

from tidegate.prospects.models import ACTED_ON, CampaignEmail, CampaignEvent, Prospect, ProspectList
from tidegate.store.identities import survivors
from tidegate.store.models import Connection, Lane, MirrorAddress, MirrorOrganization, MirrorPerson


def count_prospects(connection: Connection, list_ids: Collection[str] | None = None) -> int | None:
    """How many prospects the outreach app holds (in these lists); None where only the app itself could say."""
    if connection.outreach_app != "prospects":
        return None
    return _prospects(connection, list_ids).count()


def _prospects(connection: Connection, list_ids: Collection[str] | None) -> QuerySet[Prospect]:
    prospects = Prospect.objects.filter(workspace_id=connection.workspace_id)
    if list_ids is None:
        return prospects
    members = Prospect.lists.through.objects.filter(
        prospectlist_id__in=[pk for pk in list_ids if pk.isdecimal()]
    )
    return prospects.filter(pk__in=members.values("prospect_id"))


def count_past_emails(connection: Connection, list_ids: Collection[str] | None = None) -> int | None:
    """How many campaign e-mails to prospects (in these lists) are no activities yet; more than `MOST_COUNTED` are not
    counted on. None where only the outreach app could say.
    """
    if connection.outreach_app != "prospects":
        return None
    told = CampaignEvent.objects.filter(email=OuterRef("pk"), type__in=ACTED_ON, automatic=False)
    written = connection.email_activities.filter(email_id=Cast(OuterRef("pk"), CharField()))
    emails = CampaignEmail.objects.filter(
        Exists(told),
        ~Exists(written),
        workspace_id=connection.workspace_id,
        prospect__in=_prospects(connection, list_ids),
    )
    return emails.order_by().values("pk")[: MOST_COUNTED + 1].count()


MOST_COUNTED = 10_000
"""Beyond this many the exact number is of no use to anybody, and counting takes its time."""


def count_without_email(connection: Connection, list_ids: Collection[str] | None = None) -> int | None:
    """How many prospects (of these lists) have no e-mail address, counted up to one more than MOST_COUNTED.

    None where only the outreach app itself could say.
    """
    if connection.outreach_app != "prospects":
        return None
    without = Prospect.objects.filter(workspace_id=connection.workspace_id, emails=[])
    if list_ids is not None:
        chosen = [int(pk) for pk in list_ids if pk.isdecimal()]
        without = without.filter(lists__in=chosen).distinct()
    return without.order_by().values("pk")[: MOST_COUNTED + 1].count()


def count_lists(connection: Connection) -> int | None:
    if connection.outreach_app != "prospects":
        return None
    return ProspectList.objects.filter(workspace_id=connection.workspace_id).count()


def count_persons(lane: Lane) -> int | None:
    """How many persons the company has; None until they have been walked once."""
    if lane.persons_walked_at is None:
        return None
    return MirrorPerson.objects.filter(lane=lane).count()


@dataclass(frozen=True, slots=True)
class PersonCard:
    """What the mirror knows of one person, to be told apart by a reader."""

    id: str
    name: str = ""
    emails: tuple[str, ...] = ()
    organization: str = ""
    known: bool = True


def ids_of_person(connection: Connection, person_id: str) -> list[str]:
    """The id, and where this person was merged away the one under which it lives on."""
    return [person_id, *survivors(connection.lane_id, [person_id]).values()]


def person_cards(lane: Lane, person_ids: Collection[str]) -> dict[str, PersonCard]:
    """Person id -> card; a person the mirror doesn't know gets a card that says so."""
    numbers = {int(pid) for pid in person_ids if pid.isdecimal()}
    persons = list(
        MirrorPerson.objects.filter(lane=lane, person_id__in=numbers).values_list(
            "person_id", "name", "organization_id"
        )
    )
    addresses: dict[int, list[str]] = {}
    for pid, address in (
        MirrorAddress.objects.filter(lane=lane, person_id__in=numbers)
        .order_by("id")
        .values_list("person_id", "address")
    ):
        addresses.setdefault(pid, []).append(address)
    organizations = dict(
        MirrorOrganization.objects.filter(
            lane=lane, organization_id__in={org for _, _, org in persons if org is not None}
        ).values_list("organization_id", "name")
    )
    cards = {pid: PersonCard(pid, known=False) for pid in person_ids}
    for number, name, org in persons:
        emails = tuple(addresses.get(number, ()))
        cards[str(number)] = PersonCard(str(number), name, emails, organizations.get(org, "") if org else "")
    return cards
