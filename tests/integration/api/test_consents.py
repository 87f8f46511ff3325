"""Those who were closed before *Unsubscribe in Pipedrive* was switched on."""

from dataclasses import replace

import pytest

from tests.builders import make_link, make_prospect
from tests.integration.api.conftest import Caller
from tidegate.core.settings import Direction, settings_to_json
from tidegate.store.audit import Act
from tidegate.store.models import AuditEntry, Change, Connection


@pytest.fixture
def people(connection: Connection) -> list[str]:
    """Two who are closed and linked, and one each who is not."""
    workspace = connection.workspace
    made = [
        make_prospect(workspace, first_name=name, consent=consent)
        for name, consent in (("Ada", "unsubscribed"), ("Bo", "bounced"), ("Cy", "open"), ("Di", "bounced"))
    ]
    for prospect in made[:3]:
        make_link(connection, str(prospect.pk), str(1000 + prospect.pk))
    return [str(prospect.pk) for prospect in made]


def switch(connection: Connection, **changes: object) -> None:
    settings = replace(connection.get_settings(), **changes)  # type: ignore[arg-type]
    Connection.objects.filter(pk=connection.pk).update(settings=settings_to_json(settings))


def test_all_who_are_linked_and_closed_are_looked_at_once_it_is_said(  # C10
    alice: Caller, connection: Connection, people: list[str]
) -> None:
    switch(connection, unsubscribe_in_pipedrive=True)
    path = f"/connections/{connection.pk}/unsubscribe-closed"
    assert alice.ok("GET", path) == {"count": 2}
    assert not Change.objects.filter(entity="campaign_consent").exists()

    assert alice.ok("POST", path) == {"count": 2}

    told = Change.objects.filter(entity="campaign_consent").order_by("pk")
    assert sorted(told.values_list("record_id", flat=True)) == sorted(people[:2])
    assert AuditEntry.objects.get(act=Act.CLOSED_UNSUBSCRIBED).after == {"people": 2}


@pytest.mark.parametrize(
    "changes",
    [{}, {"unsubscribe_in_pipedrive": True, "direction": Direction.FROM_PIPEDRIVE}],
    ids=["switched off", "nothing flows there"],
)
def test_where_the_settings_do_not_ask_for_it_nobody_is_touched(
    alice: Caller, connection: Connection, people: list[str], changes: dict[str, object]
) -> None:
    switch(connection, **changes)

    problem = alice.problem(409, "POST", f"/connections/{connection.pk}/unsubscribe-closed")

    assert "Switch on" in problem["detail"]
    assert not Change.objects.filter(entity="campaign_consent").exists()
