"""Campaign events in the store: each once, on the right prospect and e-mail, in whatever order they come."""

import itertools
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.builders import make_workspace
from tidegate.errors import Invalid
from tidegate.prospects import services
from tidegate.prospects.authors import Author
from tidegate.prospects.events.recording import MAX_EVENTS, EventOutcome, EventResult, Telling, record_events
from tidegate.prospects.models import Campaign, CampaignEmail, CampaignEvent, Consent, Prospect

from .conftest import Announced

INES = "ines@brightwater.example"
_keys = itertools.count(1)


def told(kind: str = "email_opened", *, ago: timedelta = timedelta(hours=1), **facts: Any) -> dict[str, Any]:
    """An event of Inês, an hour ago, with a key of its own, unless told otherwise."""
    event = {
        "key": f"k{next(_keys)}",
        "type": kind,
        "at": (timezone.now() - ago).isoformat(),
        "prospect": {"email": INES},
        **facts,
    }
    return {name: value for name, value in event.items() if value is not None}


def record(author: Author, *events: dict[str, Any], **how: Any) -> list[EventResult]:
    return record_events(author, [Telling(event) for event in events], **{"source": "api", **how})


def stored(author: Author) -> list[CampaignEvent]:
    return list(CampaignEvent.objects.filter(workspace_id=author.workspace_id).order_by("pk"))


@pytest.fixture
def ines(author: Author) -> Prospect:
    return services.create_prospect(
        author, {"first_name": "Inês", "email": "Ines@Brightwater.example"}
    ).prospect


class TestOnce:
    def test_an_event_is_stored_as_it_came_with_its_prospect(self, author: Author, ines: Prospect):
        event = told(
            "link_clicked", url="https://northlight.example/case", campaign={"id": "7", "name": "Q2"}
        )
        (result,) = record(author, event)
        assert (result.outcome, result.prospect_id) == (EventOutcome.CREATED, ines.pk)
        (row,) = stored(author)
        assert row.raw == event
        assert row.prospect == ines
        assert row.url == "https://northlight.example/case"
        assert row.campaign is not None
        assert row.campaign.name == "Q2"

    def test_the_same_event_again_is_known(self, author: Author, ines: Prospect, announced: Announced):
        event = told()
        (first,) = record(author, event)
        (again,) = record(author, event)
        assert (again.outcome, again.event_id) == (EventOutcome.UNCHANGED, first.event_id)
        assert len(stored(author)) == 1
        assert announced.events == [first.event_id]

    def test_the_same_event_twice_in_one_call_is_one(self, author: Author, ines: Prospect):
        event = told()
        first, second = record(author, event, dict(event))
        assert [first.outcome, second.outcome] == [EventOutcome.CREATED, EventOutcome.UNCHANGED]
        assert first.event_id == second.event_id

    def test_the_same_key_with_other_content_is_refused_with_what_differs(
        self, author: Author, ines: Prospect
    ):
        record(author, told(key="k", url="https://a.example"))
        at = stored(author)[0].raw["at"]
        (result,) = record(author, told(key="k", url="https://b.example", at=at))
        assert result.outcome == EventOutcome.CONFLICT
        assert result.errors == {"key": ["url was “https://a.example” and is now “https://b.example”"]}
        assert stored(author)[0].url == "https://a.example"

    def test_that_holds_within_one_call_too(self, author: Author, ines: Prospect):
        first, second = record(author, told(key="k", reason="a"), told(key="k", reason="b"))
        assert [first.outcome, second.outcome] == [EventOutcome.CREATED, EventOutcome.CONFLICT]

    def test_keys_of_another_workspace_are_other_keys(self, author: Author, stranger: Author, ines: Prospect):
        event = told()
        record(author, event)
        (result,) = record(stranger, event)
        assert result.outcome == EventOutcome.CREATED
        assert result.prospect_id is None

    def test_an_event_at_fault_is_refused_alone(self, author: Author, ines: Prospect):
        good, bad, last = record(author, told(), told(at="soon"), told())
        assert [good.outcome, bad.outcome, last.outcome] == ["created", "rejected", "created"]
        assert "at" in bad.errors

    def test_too_many_at_once_are_refused_as_a_whole(self, author: Author):
        with pytest.raises(Invalid, match="At most 1,000 events"):
            record(author, *(told() for _ in range(MAX_EVENTS + 1)))
        assert not stored(author)

    def test_the_number_of_queries_does_not_depend_on_the_number_of_events(
        self, author: Author, ines: Prospect, django_assert_max_num_queries: Any
    ):
        for count in (1, 300):
            events = [told("email_sent", email={"subject": "Hi"}) for _ in range(count)]
            events += [told() for _ in range(count)]
            with django_assert_max_num_queries(25):
                record(author, *events)


class TestWhen:
    def test_a_fast_clock_counts_as_now(self, author: Author, ines: Prospect):
        event = told("email_sent", ago=timedelta(minutes=-10), email={"id": "m1"})
        first, again = record(author, event) + record(author, event)
        (row,) = stored(author)
        assert row.at == row.received_at == CampaignEmail.objects.get().sent_at
        assert (first.outcome, again.outcome) == ("created", "unchanged")

    def test_what_lies_in_the_future_is_refused(self, author: Author, ines: Prospect):
        (result,) = record(author, told(ago=timedelta(hours=-2)))
        assert result.outcome == EventOutcome.REJECTED
        assert "lies in the future" in result.errors["at"][0]

    @pytest.mark.parametrize(
        ("at", "why"),
        [
            ("9999-12-31T23:59:59-14:00", "lies in the future"),
            ("0001-01-01T00:00:00+14:00", "is not a time at which e-mails were tracked"),
            ("1970-01-01T00:00:00Z", "is not a time at which e-mails were tracked"),
            ("2026-05-11T08:00:00", "must be a time with its zone"),
            ("2026-05-11T08:00:00+25:00", "must be a time with its zone"),
            (1_780_000_000, "must be a time with its zone"),
            ("", "is required"),
        ],
    )
    def test_a_time_that_can_not_be_is_refused_with_its_reason(
        self, author: Author, ines: Prospect, at: object, why: str
    ):
        (result,) = record(author, told(at=at))
        assert result.outcome == EventOutcome.REJECTED
        assert why in result.errors["at"][0]

    @pytest.mark.parametrize(("days", "historical"), [(6.9, False), (7.1, True), (2_000, True)])
    def test_what_is_told_a_week_late_sets_nothing_off(
        self, author: Author, ines: Prospect, announced: Announced, days: float, historical: bool
    ):
        (result,) = record(author, told(ago=timedelta(days=days)))
        assert stored(author)[0].historical == historical
        assert announced.events == ([] if historical else [result.event_id])

    def test_what_is_told_as_history_sets_nothing_off(
        self, author: Author, ines: Prospect, announced: Announced
    ):
        record(author, told(), historical=True)
        assert stored(author)[0].historical
        assert not announced.events

    def test_a_type_that_nobody_knows_is_stored_and_sets_nothing_off(
        self, author: Author, ines: Prospect, announced: Announced
    ):
        (result,) = record(author, told("linkedin_viewed"))
        assert result.outcome == EventOutcome.CREATED
        assert stored(author)[0].label == "linkedin_viewed"
        assert not announced.events

    def test_events_are_announced_in_the_order_in_which_they_happened(
        self, author: Author, ines: Prospect, announced: Announced
    ):
        hours = (1, 5, 3)
        results = record(author, *(told(ago=timedelta(hours=hour)) for hour in hours))
        by_time = sorted(zip(hours, results, strict=True), reverse=True, key=lambda pair: pair[0])
        assert announced.events == [result.event_id for _, result in by_time]


class TestWhom:
    def test_any_address_of_a_prospect_is_theirs(self, author: Author, ines: Prospect):
        services.update_prospect(author, ines.pk, {"emails": [INES, "ines@home.example"]})
        (result,) = record(author, told(prospect={"email": "INES@home.example"}))
        assert result.prospect_id == ines.pk

    def test_a_prospect_is_known_by_id(self, author: Author, ines: Prospect):
        (result,) = record(author, told(prospect={"id": str(ines.pk)}))
        assert result.prospect_id == ines.pk

    @pytest.mark.parametrize("wrong", ["999999", "abc", "-1", "9" * 30])
    def test_an_id_that_nobody_has_is_refused(self, author: Author, wrong: str):
        (result,) = record(author, told(prospect={"id": wrong}))
        assert result.errors == {"prospect.id": [f"There is no prospect with the id {wrong}."]}

    def test_a_prospect_of_another_workspace_is_nobody(
        self, author: Author, stranger: Author, ines: Prospect
    ):
        (result,) = record(stranger, told(prospect={"id": str(ines.pk)}))
        assert result.outcome == EventOutcome.REJECTED

    def test_of_two_prospects_with_one_address_the_first_one_has_it(self, author: Author, ines: Prospect):
        services.create_prospect(author, {"email": INES, "first_name": "Double"}, allow_double=True)
        (result,) = record(author, told())
        assert result.prospect_id == ines.pk

    def test_an_unknown_recipient_is_kept_and_sets_nothing_off(self, author: Author, announced: Announced):
        (result,) = record(author, told())
        assert (result.outcome, result.prospect_id) == (EventOutcome.CREATED, None)
        assert not announced.events

    @pytest.mark.parametrize("way", ["created", "bulk", "address added"])
    def test_what_waits_is_found_when_the_prospect_appears(
        self, author: Author, announced: Announced, way: str
    ):
        sent, opened = record(author, told("email_sent", email={"id": "m1", "subject": "Hi"}), told())
        match way:
            case "created":
                services.create_prospect(author, {"email": INES.upper()})
            case "bulk":
                services.upsert_prospects(author, [{"email": INES}, {"email": "other@x.example"}])
            case "address added":
                known = services.create_prospect(author, {"email": "ines@home.example"}).prospect
                services.update_prospect(author, known.pk, {"emails": ["ines@home.example", INES]})
        prospect = Prospect.objects.get(addresses__address=INES)
        assert {event.prospect_id for event in stored(author)} == {prospect.pk}
        assert CampaignEmail.objects.get().prospect == prospect
        assert announced.events == [sent.event_id, opened.event_id]

    def test_what_waited_too_long_sets_nothing_off(self, author: Author, announced: Announced):
        record(author, told())
        CampaignEvent.objects.update(at=timezone.now() - timedelta(days=8))
        services.create_prospect(author, {"email": INES})
        (event,) = stored(author)
        assert event.prospect is not None
        assert event.historical
        assert not announced.events

    def test_events_outlive_their_prospect_and_come_back_with_the_address(
        self, author: Author, ines: Prospect
    ):
        record(author, told("unsubscribed"))
        services.delete_prospects(author, [ines.pk])
        assert stored(author)[0].prospect is None
        again = services.create_prospect(author, {"email": INES}).prospect
        again.refresh_from_db()
        assert stored(author)[0].prospect == again
        assert again.consent == Consent.UNSUBSCRIBED


class TestWhichEmail:
    def test_a_sent_event_makes_its_email(self, author: Author, ines: Prospect):
        html = "<p>Hi</p><script>alert(1)</script>"
        email = {"id": "m1", "subject": "Hello", "html": html, "sender": "maja@northlight.example", "step": 1}
        record(author, told("email_sent", email=email, campaign={"name": "Q2"}))
        row = CampaignEmail.objects.get()
        assert (row.key, row.subject, row.html, row.step) == ("m1", "Hello", html, "1")
        assert (row.prospect, row.recipient) == (ines, INES)
        assert row.sent_at == stored(author)[0].at
        assert row.campaign == Campaign.objects.get()

    def test_an_event_is_matched_by_the_emails_id(self, author: Author, ines: Prospect):
        record(author, told("email_sent", email={"id": "m1"}), told("email_sent", email={"id": "m2"}))
        record(author, told(prospect=None, email={"id": "m1"}))
        opened = stored(author)[-1]
        assert opened.email is not None
        assert (opened.email.key, opened.prospect, opened.recipient) == ("m1", ines, INES)

    def test_an_event_is_matched_by_message_id_and_recipient(self, author: Author, ines: Prospect):
        bram = services.create_prospect(author, {"email": "bram@havu.example"}).prospect
        for address in (INES, "bram@havu.example"):
            email = {"message_id": "<batch-1@mail.example>"}
            record(author, told("email_sent", prospect={"email": address}, email=email))
        record(
            author,
            told(prospect={"email": "bram@havu.example"}, email={"message_id": "batch-1@mail.example"}),
        )
        opened = stored(author)[-1]
        assert opened.prospect == bram
        assert opened.email is not None
        assert opened.email.recipient == "bram@havu.example"

    def test_an_event_without_ids_is_about_the_latest_email_of_that_campaign(
        self, author: Author, ines: Prospect
    ):
        for key, campaign, ago in (("m1", "A", 30), ("m2", "A", 20), ("m3", "B", 10)):
            record(
                author,
                told("email_sent", email={"id": key}, campaign={"id": campaign}, ago=timedelta(hours=ago)),
            )
        late, any_campaign, early = (
            told(campaign={"id": "A"}),
            told(),
            told(campaign={"id": "A"}, ago=timedelta(hours=25)),
        )
        record(author, late, any_campaign, early)
        about = {event.key: event.email and event.email.key for event in stored(author)}
        assert [about[event["key"]] for event in (late, any_campaign, early)] == ["m2", "m3", "m1"]

    def test_an_event_of_a_prospect_named_by_id_is_about_the_latest_email_too(
        self, author: Author, ines: Prospect
    ):
        record(author, told("email_sent", email={"id": "m1"}))
        record(author, told(prospect={"id": str(ines.pk)}))
        opened = stored(author)[-1]
        assert opened.email is not None
        assert (opened.email.key, opened.recipient) == ("m1", INES)

    def test_an_email_sent_long_before_is_not_guessed(self, author: Author, ines: Prospect):
        record(author, told("email_sent", email={"id": "m1"}, ago=timedelta(days=31)))
        record(author, told())
        assert stored(author)[-1].email is None

    def test_a_message_id_that_nobody_knows_is_of_another_mail(self, author: Author, ines: Prospect):
        record(author, told("email_sent", email={"id": "m1"}))
        record(author, told(email={"message_id": "invoice-7"}))
        assert stored(author)[-1].email is None

    @pytest.mark.parametrize(
        "sent", [{"id": "m1"}, {"id": "m1", "message_id": "msg"}, {"message_id": "msg"}, {}], ids=str
    )
    def test_an_event_that_comes_before_its_email_finds_it(
        self, author: Author, ines: Prospect, sent: dict[str, Any]
    ):
        named = (
            {"id": sent["id"]}
            if set(sent) == {"id"}
            else {k: v for k, v in sent.items() if k == "message_id"}
        )
        record(author, told(email=named or None, ago=timedelta(minutes=50)))
        record(author, told("email_sent", email={**sent, "subject": "Hello"}))
        email = CampaignEmail.objects.get()
        assert (email.subject, email.prospect) == ("Hello", ines)
        assert {event.email for event in stored(author)} == {email}

    def test_an_event_known_by_its_email_alone_gets_its_prospect_with_the_email(
        self, author: Author, ines: Prospect, announced: Announced
    ):
        (opened,) = record(author, told(prospect=None, email={"id": "m1"}))
        assert opened.prospect_id is None
        (sent,) = record(author, told("email_sent", email={"id": "m1"}))
        assert {event.prospect for event in stored(author)} == {ines}
        assert set(announced.events) == {opened.event_id, sent.event_id}

    def test_what_an_email_has_is_not_overwritten_and_what_it_lacks_is_added(
        self, author: Author, ines: Prospect
    ):
        record(author, told("email_sent", email={"id": "m1", "subject": "First"}))
        record(author, told(email={"id": "m1", "subject": "Second", "html": "<p>Hi</p>"}))
        row = CampaignEmail.objects.get()
        assert (row.subject, row.html) == ("First", "<p>Hi</p>")

    def test_an_email_id_that_is_a_templates_is_refused(self, author: Author, ines: Prospect):
        record(author, told("email_sent", email={"id": "template-1"}))
        (result,) = record(
            author, told("email_sent", email={"id": "template-1"}, prospect={"email": "b@havu.example"})
        )
        assert "one message to one recipient" in result.errors["email.id"][0]

    def test_shuffled_and_doubled_events_come_to_the_same_story(self, db: None):
        story = [
            told("email_sent", email={"id": "m1", "subject": "Hello"}, ago=timedelta(hours=5)),
            told("email_opened", email={"id": "m1"}, ago=timedelta(hours=4)),
            told("link_clicked", ago=timedelta(hours=3)),
            told("email_replied", prospect=None, email={"id": "m1"}, ago=timedelta(hours=2)),
            told("unsubscribed", ago=timedelta(hours=1)),
        ]
        outcomes = set()
        for order in list(itertools.permutations(range(len(story))))[::12]:
            who = Author(make_workspace().pk, "Alice", "api")
            services.create_prospect(who, {"email": INES})
            for place in order:
                record(who, story[place])
                record(who, story[place])
            rows = CampaignEvent.objects.filter(workspace_id=who.workspace_id)
            outcomes.add(
                tuple(
                    (event.key, event.email and event.email.key, event.prospect and event.prospect.email)
                    for event in rows.select_related("email", "prospect").order_by("key")
                )
            )
        assert outcomes == {tuple((event["key"], "m1", INES) for event in story)}


class TestConsent:
    def test_who_unsubscribed_is_marked(self, author: Author, ines: Prospect, announced: Announced):
        record(author, told("unsubscribed"))
        ines.refresh_from_db()
        assert ines.consent == Consent.UNSUBSCRIBED
        assert ines.consent_at == stored(author)[0].at
        assert ("change", [ines.pk]) in announced.changes

    @pytest.mark.parametrize("first", ["unsubscribed", "email_bounced"])
    def test_it_only_tightens(self, author: Author, ines: Prospect, first: str):
        kinds = [first, *({"unsubscribed", "email_bounced"} - {first})]
        for kind in kinds:
            record(author, told(kind))
        ines.refresh_from_db()
        assert ines.consent == Consent.UNSUBSCRIBED

    @pytest.mark.parametrize("kind", ["email_delayed", "email_replied", "email_sent", "subscribed"])
    def test_other_events_leave_it_alone(self, author: Author, ines: Prospect, kind: str):
        record(author, told(kind))
        ines.refresh_from_db()
        assert ines.consent == Consent.OPEN

    def test_history_tightens_too(self, author: Author, ines: Prospect):
        record(author, told("unsubscribed", ago=timedelta(days=400)), historical=True)
        ines.refresh_from_db()
        assert ines.consent == Consent.UNSUBSCRIBED

    def test_a_second_address_that_bounces_leaves_the_first_one_good(self, author: Author, ines: Prospect):
        services.update_prospect(author, ines.pk, {"emails": [INES, "old@brightwater.example"]})
        record(author, told("email_bounced", prospect={"email": "old@brightwater.example"}))
        ines.refresh_from_db()
        assert ines.consent == Consent.OPEN

    def test_everybody_with_the_address_is_meant(self, author: Author, ines: Prospect):
        double = services.create_prospect(author, {"email": INES}, allow_double=True).prospect
        record(author, told("unsubscribed"))
        assert set(Prospect.objects.filter(consent=Consent.UNSUBSCRIBED)) == {ines, double}

    def test_who_gets_the_address_later_is_meant_too(self, author: Author, ines: Prospect):
        record(author, told("unsubscribed"))
        double = services.create_prospect(author, {"email": INES}, allow_double=True).prospect
        double.refresh_from_db()
        assert double.consent == Consent.UNSUBSCRIBED

    def test_a_members_hand_opens_it_again_and_the_story_says_so(self, author: Author, ines: Prospect):
        record(author, told("unsubscribed"))
        assert services.renew_consent(author, ines.pk)
        ines.refresh_from_db()
        assert (ines.consent, ines.consent_at) == (Consent.OPEN, None)
        assert stored(author)[-1].type == "consent_renewed"
        assert stored(author)[-1].reason == "Alice (it was “Unsubscribed” before)"
        assert not services.renew_consent(author, ines.pk)

    def test_opened_again_it_can_be_closed_again(self, author: Author, ines: Prospect):
        record(author, told("unsubscribed"))
        services.renew_consent(author, ines.pk)
        record(author, told("unsubscribed"))
        ines.refresh_from_db()
        assert ines.consent == Consent.UNSUBSCRIBED
