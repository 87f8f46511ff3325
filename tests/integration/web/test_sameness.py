"""The proof of sameness on its page, on the overview, and its button."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.builders import make_connection
from tidegate.core.connection import Status
from tidegate.core.sameness import Why
from tidegate.store.models import Connection, Link, OutOfStep, SamenessCheck, Workspace

FIELD = {"name": "Job title", "kind": "text", "outreach": "CEO", "pipedrive": "Chair", "why": "changed"}


@pytest.fixture
def live(workspace: Workspace) -> Connection:
    return make_connection(workspace)


def checked(connection: Connection, *, differing: int = 0) -> None:
    SamenessCheck.objects.create(
        connection=connection,
        round=2,
        last_in_step=12408,
        last_differing=differing,
        finished_at=timezone.now(),
    )


def text_of(client: Client, name: str, connection: Connection) -> str:
    answer = client.get(reverse(name, args=[connection.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_before_the_first_round_nothing_is_claimed(owner: Client, live: Connection) -> None:
    assert "Not checked yet" in text_of(owner, "overview", live)
    assert "Not checked yet" in text_of(owner, "sameness", live)


def test_everything_in_step_is_good_news(owner: Client, live: Connection) -> None:
    checked(live)

    assert "12,408" in text_of(owner, "overview", live)
    assert "Everything is in step" in text_of(owner, "sameness", live)


@pytest.mark.parametrize("why", Why)
def test_a_pair_that_differs_shows_both_values_and_the_reason(
    owner: Client, live: Connection, why: Why
) -> None:
    checked(live, differing=1)
    OutOfStep.objects.create(
        connection=live,
        prospect_id="1",
        person_id="7",
        name="Signe Aaltonen",
        why=why,
        fields=[FIELD],
        round=1,
    )

    text = text_of(owner, "sameness", live)

    assert "Signe Aaltonen" in text and "CEO" in text and "Chair" in text
    assert "1 differs" in text_of(owner, "overview", live)


def test_a_member_checks_at_once(owner: Client, live: Connection) -> None:
    owner.post(reverse("sameness-check", args=[live.pk]))

    row = SamenessCheck.objects.get(connection=live)
    assert row.in_a_hurry and row.due_at <= timezone.now()


def test_a_paused_connection_is_not_checked(owner: Client, live: Connection) -> None:
    Connection.objects.update(status=Status.PAUSED)

    answer = owner.post(reverse("sameness-check", args=[live.pk]), follow=True)

    assert "Switch live sync on first" in answer.content.decode()
    assert not SamenessCheck.objects.exists()


def test_a_viewer_may_look_and_a_stranger_may_not(viewer: Client, stranger: Client, live: Connection) -> None:
    checked(live)

    assert "check-now" not in text_of(viewer, "sameness", live)
    assert viewer.post(reverse("sameness-check", args=[live.pk])).status_code == 403
    assert stranger.get(reverse("sameness", args=[live.pk])).status_code == 404


@pytest.mark.parametrize(
    ("unseen", "said"),
    [
        (0, None),
        (1, "1 linked person can’t be seen in Pipedrive any more"),
        (2, "2 linked persons can’t be seen in Pipedrive any more"),
    ],
)
def test_the_overview_counts_whom_the_connected_user_can_not_see(
    owner: Client, live: Connection, unseen: int, said: str | None
) -> None:
    for number in range(unseen):
        Link.objects.create(
            connection=live, prospect_id=str(number), person_id=str(number), state="person_unseen"
        )

    text = text_of(owner, "overview", live)

    assert said in text if said else "can’t be seen in Pipedrive" not in text
