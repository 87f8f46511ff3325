"""What every outreach app shows of its campaigns. A class of behaviours; each implementation brings a `bench`."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import pytest

from tests.contract.outreach_contract import finish
from tidegate.core.automation import Trigger
from tidegate.core.history import NOTE_BYTES, READ_CHARACTERS, compose
from tidegate.ports import OutreachApp

NOON = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
ADA = {"first_name": "Ada", "email": ("ada@engine.example",)}


class Bench(Protocol):
    @property
    def app(self) -> OutreachApp: ...
    def make_prospect(self, values: Mapping[str, object]) -> str: ...
    def send(self, prospect_id: str, *, html: str, at: datetime) -> str:
        """An e-mail “Hello” of the campaign “Q2” to this prospect, with the event that it was sent. Its id."""
        ...

    def happen(self, type: str, email_id: str, *, at: datetime, **facts: object) -> str:
        """Something happens to the e-mail. The event's id."""
        ...


class CampaignContract:
    """Mixed into the contract of outreach apps."""

    def test_an_email_shows_what_was_sent_to_whom_and_what_became_of_it_in_order(self, bench):
        ada = bench.make_prospect(ADA)
        email_id = bench.send(ada, html="<p>Hi</p>", at=NOON)
        bench.happen("link_clicked", email_id, at=NOON + timedelta(minutes=9), url="https://a.example/")
        bench.happen("email_opened", email_id, at=NOON + timedelta(minutes=5))

        email = finish(bench.app.get_campaign_emails([email_id]))[email_id]

        assert (email.id, email.prospect_id, email.campaign_name) == (email_id, ada, "Q2")
        assert (email.subject, email.html, email.sent_at) == ("Hello", "<p>Hi</p>", NOON)
        assert [event.trigger for event in email.events] == [
            Trigger.EMAIL_SENT,
            Trigger.EMAIL_OPENED,
            Trigger.LINK_CLICKED,
        ]
        assert {event.email_id for event in email.events} == {email_id}

    def test_an_event_shows_its_prospect_its_email_and_its_campaign(self, bench):
        ada = bench.make_prospect(ADA)
        email_id = bench.send(ada, html="", at=NOON)
        event_id = bench.happen(
            "email_bounced", email_id, at=NOON + timedelta(minutes=1), reason="No such box"
        )

        event = finish(bench.app.get_campaign_events([event_id]))[event_id]

        assert (event.id, event.type, event.prospect_id, event.email_id) == (
            event_id,
            "email_bounced",
            ada,
            email_id,
        )
        assert (event.campaign_name, event.reason, event.at) == (
            "Q2",
            "No such box",
            NOON + timedelta(minutes=1),
        )
        assert not event.historical
        assert not event.automatic
        assert event.trigger is Trigger.EMAIL_BOUNCED

    def test_an_automatic_reply_is_no_reply(self, bench):
        email_id = bench.send(bench.make_prospect(ADA), html="", at=NOON)
        event_id = bench.happen("email_replied", email_id, at=NOON, automatic=True)

        assert finish(bench.app.get_campaign_events([event_id]))[event_id].trigger is None

    def test_a_type_nobody_knows_is_shown_by_its_name_and_sets_nothing_off(self, bench):
        email_id = bench.send(bench.make_prospect(ADA), html="", at=NOON)
        event_id = bench.happen("rocket_launched", email_id, at=NOON)

        event = finish(bench.app.get_campaign_events([event_id]))[event_id]
        assert (event.type, event.trigger) == ("rocket_launched", None)

    def test_what_is_not_there_is_left_out(self, bench):
        assert finish(bench.app.get_campaign_emails(["999999", "x"])) == {}
        assert finish(bench.app.get_campaign_events(["999999", "x"])) == {}
        assert finish(bench.app.get_campaign_emails([])) == {}
        assert finish(bench.app.get_campaign_events([])) == {}

    def test_the_emails_of_a_prospect_are_found_by_what_happened_to_them_since(self, bench):
        ada, bo = bench.make_prospect(ADA), bench.make_prospect({**ADA, "email": ("bo@engine.example",)})
        old, new = (bench.send(ada, html="", at=NOON - timedelta(days=age)) for age in (2, 0))
        of_bo = bench.send(bo, html="", at=NOON)
        since = NOON - timedelta(days=1)

        assert finish(bench.app.find_campaign_emails([ada], since=since)) == (new,)
        bench.happen("email_replied", old, at=NOON, automatic=True)
        assert finish(bench.app.find_campaign_emails([ada], since=since)) == (new,)
        bench.happen("email_opened", old, at=NOON)
        bench.happen("email_opened", new, at=NOON)
        assert set(finish(bench.app.find_campaign_emails([ada, bo], since=since))) == {old, new, of_bo}
        assert finish(bench.app.find_campaign_emails(["999999", "x"], since=since)) == ()

    def test_of_an_email_of_5_mb_a_note_shows_the_beginning_and_says_so(self, bench):
        html = f"<p>Begin</p><script>alert(1)</script>{'<p>All work and no play.</p>' * 180_000}"
        email_id = bench.send(bench.make_prospect(ADA), html=html, at=NOON)

        email = finish(bench.app.get_campaign_emails([email_id]))[email_id]
        note = compose(email, zone=ZoneInfo("UTC"), now=NOON).note

        assert len(email.html) > READ_CHARACTERS
        assert len(note.encode()) <= NOTE_BYTES
        assert "<p>Begin</p>" in note
        assert "script" not in note
        assert "was left out" in note

    @pytest.mark.parametrize("limit", [1, 2, 3, 100])
    def test_a_walk_meets_every_event_of_a_time_once_and_in_order(self, bench, limit):
        email_id = bench.send(bench.make_prospect(ADA), html="", at=NOON)
        moments = [NOON + timedelta(minutes=minute) for minute in (4, 1, 1, 3, 2)]
        ids = [bench.happen("email_opened", email_id, at=at) for at in moments]
        since, until = NOON + timedelta(minutes=1), NOON + timedelta(minutes=4)

        met, cursor = [], None
        while True:
            page = finish(
                bench.app.walk_campaign_events(since=since, until=until, cursor=cursor, limit=limit)
            )
            met += page.events
            cursor = page.next_cursor
            if cursor is None:
                break

        assert [event.id for event in met] == [ids[1], ids[2], ids[4], ids[3]]
