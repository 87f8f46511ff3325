"""The proof of sameness through the API as it ships."""

from django.utils import timezone

from tests.builders import make_connection, make_prospect, make_workspace
from tests.integration.api.conftest import Caller
from tidegate.store.models import Change, Connection, Link, OutOfStep, SamenessCheck, Workspace


def test_health_says_how_many_pairs_are_in_step(alice: Caller, workspace: Workspace) -> None:
    live = make_connection(workspace)
    assert alice.ok("GET", f"/connections/{live.pk}/health")["sameness"] is None

    SamenessCheck.objects.create(
        connection=live, last_in_step=9, last_differing=1, finished_at=timezone.now()
    )
    told = alice.ok("GET", f"/connections/{live.pk}/health")["sameness"]

    assert (told["pairs"], told["in_step"], told["differing"], told["checking"]) == (10, 9, 1, False)


def test_pairs_that_differ_are_listed_with_their_reason(
    alice: Caller, charlie: Caller, workspace: Workspace
) -> None:
    live = make_connection(workspace)
    OutOfStep.objects.create(
        connection=live, prospect_id="1", person_id="7", name="Signe", why="left", round=1
    )

    (told,) = alice.ok("GET", f"/connections/{live.pk}/out-of-step")["data"]

    assert (told["prospect_id"], told["person_id"], told["why"]) == ("1", "7", "left")
    charlie.problem(404, "GET", f"/connections/{live.pk}/out-of-step")


def test_a_check_is_asked_for(alice: Caller, workspace: Workspace) -> None:
    live = make_connection(workspace)

    alice.ok("POST", f"/connections/{live.pk}/check")

    assert SamenessCheck.objects.get(connection=live).in_a_hurry


def test_a_paused_connection_is_not_checked(alice: Caller, workspace: Workspace) -> None:
    paused = make_connection(workspace, status="paused")

    alice.problem(409, "POST", f"/connections/{paused.pk}/check")


def test_prospects_are_synced_now(alice: Caller, charlie: Caller, workspace: Workspace) -> None:
    """Whoever is not of the workspace is passed over."""
    live = make_connection(workspace)
    mine, other = make_prospect(workspace), make_prospect(make_workspace("Harbour"))

    body = {"prospect_ids": [str(mine.pk), str(other.pk)]}
    assert alice.ok("POST", f"/connections/{live.pk}/sync", body) == {"count": 1}

    [change] = Change.objects.all()
    assert (change.record_id, change.source, change.connection_id) == (str(mine.pk), "asked", live.pk)
    charlie.problem(404, "POST", f"/connections/{live.pk}/sync", body)
    Connection.objects.filter(pk=live.pk).update(status="paused")
    alice.problem(409, "POST", f"/connections/{live.pk}/sync", body)


def test_health_counts_the_linked_persons_that_the_connected_user_can_not_see(
    alice: Caller, workspace: Workspace
) -> None:
    live = make_connection(workspace)
    states = ["linked", "linked", "linked", "person_unseen", "person_unseen", "person_gone"]
    for number, state in enumerate(states):
        Link.objects.create(connection=live, prospect_id=str(number), person_id=str(number), state=state)

    told = alice.ok("GET", f"/connections/{live.pk}/health")

    assert (told["linked"], told["unseen"]) == (3, 2)
