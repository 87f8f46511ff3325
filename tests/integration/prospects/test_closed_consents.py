"""Who hears that campaigns may not write to a prospect any more: told once, and not beside a campaign event of its own."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.builders import make_connection
from tidegate.prospects import services
from tidegate.prospects.authors import Author
from tidegate.prospects.events.recording import Telling, record_events
from tidegate.prospects.models import Prospect
from tidegate.prospects.services import Policy, upsert_prospects
from tidegate.store.models import Change, Connection, Workspace

INES = "ines@brightwater.example"


@pytest.fixture
def connection(author: Author) -> Connection:
    return make_connection(Workspace.objects.get(pk=author.workspace_id))


@pytest.fixture
def ines(author: Author, connection: Connection) -> Prospect:
    return services.create_prospect(author, {"first_name": "Inês", "email": INES}).prospect


def closed(connection: Connection) -> list[str]:
    rows = Change.objects.filter(connection=connection, entity="campaign_consent")
    return list(rows.order_by("pk").values_list("record_id", flat=True))


def unsubscribed(author: Author, email: str) -> None:
    at = (timezone.now() - timedelta(hours=1)).isoformat()
    event: dict[str, Any] = {"key": "k", "type": "unsubscribed", "at": at, "prospect": {"email": email}}
    assert not record_events(author, [Telling(event)], source="api")[0].errors


def test_a_members_word_is_told_once(author: Author, ines: Prospect, connection: Connection) -> None:
    for _ in range(2):
        services.update_prospect(author, ines.pk, {"consent": "unsubscribed"})

    assert closed(connection) == [str(ines.pk)]
    assert Change.objects.get(entity="campaign_consent").actor == author.actor


def test_other_changes_say_nothing_of_it(author: Author, ines: Prospect, connection: Connection) -> None:
    services.update_prospect(author, ines.pk, {"first_name": "Inez"})
    services.update_prospect(author, ines.pk, {"consent": "open"})

    assert closed(connection) == []


@pytest.mark.parametrize("policy", [Policy.OVERWRITE, Policy.FILL])
def test_a_program_or_a_file_closes_by_the_thousand(
    author: Author, ines: Prospect, connection: Connection, policy: Policy
) -> None:
    rows = [{"email": INES, "consent": "bounced"}, {"email": "new@else.example", "consent": "unsubscribed"}]
    for _ in range(2):
        upsert_prospects(author, rows, policy=policy)

    assert closed(connection) == [str(ines.pk)]  # the new one is told of when it is linked


def test_what_is_skipped_closes_nobody(author: Author, ines: Prospect, connection: Connection) -> None:
    upsert_prospects(author, [{"email": INES, "consent": "bounced"}], policy=Policy.SKIP)

    assert closed(connection) == []


def test_an_event_of_its_own_is_told_as_such_and_whoever_shares_the_address_beside_it(
    author: Author, ines: Prospect, connection: Connection
) -> None:
    double = services.create_prospect(
        author, {"first_name": "Ines too", "email": INES}, allow_double=True
    ).prospect
    unsubscribed(author, INES)

    assert Change.objects.filter(entity="campaign_event").count() == 1
    assert closed(connection) == [str(double.pk)]


def test_who_gets_the_address_of_somebody_closed_is_told_of(
    author: Author, ines: Prospect, connection: Connection
) -> None:
    unsubscribed(author, INES)
    other = services.create_prospect(author, {"first_name": "Else", "email": "else@else.example"}).prospect
    services.update_prospect(author, other.pk, {"emails": ["else@else.example", INES]})

    assert closed(connection) == [str(other.pk)]
