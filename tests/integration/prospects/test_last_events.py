"""What happened last to a prospect's e-mails, and who is found by what happened to theirs."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tidegate.prospects.events.recording import Telling, record_events
from tidegate.prospects.models import ACTED_ON, EventType, Prospect
from tidegate.prospects.queries import Filter, Sort, count, read_page, walk
from tidegate.prospects.services import Author, create_list, create_prospect
from tidegate.prospects.timeline import last_events


def make(author: Author, name: str, *, list_ids: tuple[int, ...] = ()) -> Prospect:
    raw = {"first_name": name, "email": f"{name.lower()}@example.com"}
    return create_prospect(author, raw, list_ids=list_ids).prospect


def tell(author: Author, name: str, kind: str, *, hours: float = 1, **facts: Any) -> None:
    how = {"source": "import", "historical": True} if facts.pop("imported", False) else {"source": "api"}
    at = (timezone.now() - timedelta(hours=hours)).isoformat()
    about = {"prospect": {"email": f"{name.lower()}@example.com"}, "key": f"{name}-{kind}-{hours}"}
    (result,) = record_events(author, [Telling({**about, "type": kind, "at": at, **facts})], **how)
    assert not result.errors


@pytest.fixture
def ann(author: Author) -> Prospect:
    return make(author, "Ann")


class TestTheLastEvent:
    def test_the_one_that_happened_last_is_told_whenever_it_became_known(self, author: Author, ann: Prospect):
        tell(author, "Ann", "email_replied", hours=1, campaign={"name": "Q2 intro"})
        tell(author, "Ann", "email_opened", hours=2)
        tell(author, "Ann", "email_sent", hours=3, imported=True)

        event = last_events([ann.pk])[ann.pk]

        assert event.type == EventType.EMAIL_REPLIED
        assert event.campaign
        assert event.campaign.name == "Q2 intro"

    @pytest.mark.parametrize("kind", EventType.values)
    def test_of_every_type_only_those_about_an_email_count(self, author: Author, ann: Prospect, kind: str):
        tell(author, "Ann", kind)

        about_none = {EventType.CAMPAIGN_FINISHED, EventType.CONSENT_RENEWED}
        assert (ann.pk in last_events([ann.pk])) is (kind not in about_none)

    def test_what_was_imported_counts(self, author: Author, ann: Prospect):
        tell(author, "Ann", "email_opened", imported=True)

        assert last_events([ann.pk])[ann.pk].type == EventType.EMAIL_OPENED

    def test_what_a_program_did_does_not_count(self, author: Author, ann: Prospect):
        tell(author, "Ann", "email_sent", hours=2)
        tell(author, "Ann", "email_opened", hours=1, automatic=True)

        assert last_events([ann.pk])[ann.pk].type == EventType.EMAIL_SENT

    def test_a_type_without_a_word_does_not_count(self, author: Author, ann: Prospect):
        tell(author, "Ann", "linkedin_viewed")

        assert last_events([ann.pk]) == {}

    def test_one_query_serves_a_page_of_any_length(self, author: Author):
        ids = [make(author, f"P{number}").pk for number in range(12)]
        for number in range(12):
            tell(
                author,
                f"P{number}",
                "email_sent",
                hours=2,
                campaign={"name": "Q2"},
                email={"id": f"m{number}"},
            )
            tell(author, f"P{number}", "email_opened", email={"id": f"m{number}"})

        with CaptureQueriesContext(connection) as asked:
            told = last_events(ids)
            names = {event.campaign.name for event in told.values() if event.campaign}

        assert (len(told), names, len(asked)) == (12, {"Q2"}, 1)


class TestFoundByEvent:
    def found(self, author: Author, kind: str, **more: Any) -> list[str]:
        wanted = Filter(author.workspace_id, event=kind, **more)
        people = read_page(wanted, sort=Sort.NAME).prospects
        assert count(wanted) == len(people)
        assert {one.pk for batch in walk(wanted) for one in batch} == {one.pk for one in people}
        return [one.first_name for one in people]

    @pytest.mark.parametrize("kind", sorted(ACTED_ON))
    def test_who_had_the_event_is_found_whatever_happened_afterwards(
        self, author: Author, ann: Prospect, kind: str
    ):
        make(author, "Bob")
        tell(author, "Ann", kind, hours=9)
        tell(author, "Ann", "email_opened", hours=1)

        assert self.found(author, kind) == ["Ann"]

    def test_who_had_it_often_is_found_once(self, author: Author, ann: Prospect):
        for hours in (1, 2, 3):
            tell(author, "Ann", "email_opened", hours=hours)

        assert self.found(author, "email_opened") == ["Ann"]

    def test_what_was_imported_counts_and_what_a_program_did_does_not(self, author: Author, ann: Prospect):
        make(author, "Bob")
        tell(author, "Ann", "email_opened", imported=True)
        tell(author, "Bob", "email_opened", automatic=True)

        assert self.found(author, "email_opened") == ["Ann"]

    def test_it_can_be_asked_since_when(self, author: Author, ann: Prospect):
        make(author, "Bob")
        tell(author, "Ann", "email_replied", hours=47)
        tell(author, "Bob", "email_replied", hours=49)
        since = timezone.now() - timedelta(hours=48)

        assert self.found(author, "email_replied", event_since=since) == ["Ann"]
        assert self.found(author, "email_replied") == ["Ann", "Bob"]

    def test_it_narrows_a_list(self, author: Author, ann: Prospect):
        chosen = create_list(author, "Founders").pk
        make(author, "Bob", list_ids=(chosen,))
        for name in ("Ann", "Bob"):
            tell(author, name, "link_clicked")

        assert self.found(author, "link_clicked", list_id=chosen) == ["Bob"]

    def test_nobody_of_another_workspace_is_found(self, author: Author, stranger: Author, ann: Prospect):
        make(stranger, "Ann")
        tell(stranger, "Ann", "email_sent")

        assert self.found(author, "email_sent") == []
