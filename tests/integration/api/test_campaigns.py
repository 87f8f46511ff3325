"""Campaigns, their events and a prospect's timeline by API."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from tests.integration.api.conftest import Caller, CallerFor
from tidegate.prospects.models import CampaignEmail, CampaignEvent, Consent, Prospect
from tidegate.prospects.services import Author, create_prospect, renew_consent
from tidegate.store.models import Connection, LogEntry, Workspace

INES = "ines@brightwater.example"


@pytest.fixture
def author(workspace: Workspace) -> Author:
    return Author(workspace.pk, "Alice", "page")


@pytest.fixture
def ines(author: Author) -> Prospect:
    return create_prospect(author, {"first_name": "Inês", "email": INES}).prospect


def event(key: str = "k1", kind: str = "email_sent", *, hours: float = 1, **facts: Any) -> dict[str, Any]:
    at = (timezone.now() - timedelta(hours=hours)).isoformat()
    return {"key": key, "type": kind, "at": at, "prospect": {"email": INES}, **facts}


def post(alice: Caller, *events: dict[str, Any]) -> Any:
    return alice.ok("POST", "/campaign-events", {"items": list(events)})["data"]


def test_one_event_is_taken_and_known_the_second_time(alice: Caller, ines: Prospect) -> None:
    told = event(campaign={"id": "12", "name": "Q2"}, email={"id": "4711", "subject": "Hello"})
    first = alice.ok("POST", "/campaign-events", told, status=201)
    again = alice.ok("POST", "/campaign-events", told)

    assert first == {"outcome": "created", "id": first["id"], "prospect_id": str(ines.pk), "errors": None}
    assert again == {**first, "outcome": "unchanged"}


def test_the_same_key_with_other_content_is_a_conflict_that_says_what_differs(
    alice: Caller, ines: Prospect
) -> None:
    told = event(url="https://a.example")
    alice.ok("POST", "/campaign-events", told, status=201)
    refused = alice.problem(409, "POST", "/campaign-events", {**told, "url": "https://b.example"})

    assert refused["type"] == "urn:tidegate:problem:conflict"
    assert "url was “https://a.example” and is now “https://b.example”" in refused["detail"]
    assert CampaignEvent.objects.count() == 1


def test_a_fault_is_refused_at_its_place_and_nothing_is_stored(alice: Caller, ines: Prospect) -> None:
    refused = alice.problem(422, "POST", "/campaign-events", event(email={"id": "1", "body": "x"}, at="soon"))

    assert set(refused["errors"]) == {"at", "email.body"}
    assert not CampaignEvent.objects.exists()


@pytest.mark.parametrize(
    "body", [[], "x", 7, None, {}, {"items": []}, {"items": {}}, {"items": [], "key": "k"}]
)
def test_a_body_of_another_shape_is_refused(alice: Caller, body: Any) -> None:
    alice.problem(422, "POST", "/campaign-events", body)


def test_of_many_each_gets_its_own_answer(alice: Caller, ines: Prospect) -> None:
    alice.ok("POST", "/campaign-events", event("known", url="a"), status=201)
    known = CampaignEvent.objects.get().raw
    items = [event("new"), known, {**known, "url": "b"}, event("bad", at="soon"), 7]
    answer = alice.ok("POST", "/campaign-events", {"items": items})

    outcomes = [item["outcome"] for item in answer["data"]]
    assert outcomes == ["created", "unchanged", "conflict", "rejected", "rejected"]
    assert answer["counts"] == {"created": 1, "unchanged": 1, "conflict": 1, "rejected": 2}
    assert list(answer["data"][3]["errors"]) == ["at"]
    assert answer["data"][4]["errors"] == {"item": ["This must be an object."]}


def test_a_thousand_are_taken_and_one_more_is_refused(alice: Caller, ines: Prospect) -> None:
    items = [event(f"k{number}", "email_opened") for number in range(1_001)]
    assert alice.ok("POST", "/campaign-events", {"items": items[:1_000]})["counts"]["created"] == 1_000

    assert "items" in alice.problem(422, "POST", "/campaign-events", {"items": items})["errors"]


def test_five_megabytes_of_html_are_taken_whole(alice: Caller, ines: Prospect) -> None:
    html = "<p>" + "x" * (5 * 1024 * 1024 - 7) + "</p>"
    alice.ok("POST", "/campaign-events", event(email={"id": "1", "html": html}), status=201)

    assert CampaignEmail.objects.get().html == html


def test_more_html_is_refused_with_the_limit(alice: Caller, ines: Prospect) -> None:
    html = "x" * (5 * 1024 * 1024 + 1)
    refused = alice.problem(422, "POST", "/campaign-events", event(email={"id": "1", "html": html}))

    assert refused["errors"] == {"email.html": ["Too long: 5,242,881 of 5,242,880 characters."]}


def test_events_of_nobody_wait_and_can_be_listed(alice: Caller) -> None:
    alice.ok("POST", "/campaign-events", event(), status=201)
    (waiting,) = alice.ok("GET", "/campaign-events?matched=false")["data"]
    assert (waiting["prospect_id"], waiting["recipient"]) == (None, INES)

    made = alice.ok("POST", "/prospects", {"email": INES}, status=201)
    assert alice.ok("GET", "/campaign-events?matched=false")["data"] == []
    assert alice.ok("GET", "/campaign-events")["data"][0]["prospect_id"] == made["id"]


def test_events_are_listed_page_by_page_and_filtered(alice: Caller, ines: Prospect) -> None:
    kinds = ("email_sent", "email_opened", "email_opened", "linkedin_viewed")
    post(alice, *(event(f"k{n}", kind, hours=9 - n, campaign={"id": "a"}) for n, kind in enumerate(kinds)))

    def keys(query: str) -> list[str]:
        return [item["key"] for item in alice.ok("GET", f"/campaign-events{query}")["data"]]

    assert keys("") == ["k3", "k2", "k1", "k0"]
    assert keys("?type=email_opened") == ["k2", "k1"]
    assert keys("?campaign_id=a&type=linkedin_viewed") == ["k3"]
    assert keys("?campaign_id=b") == []
    page = alice.ok("GET", "/campaign-events?limit=3")
    assert keys(f"?limit=3&cursor={page['next_cursor']}") == ["k0"]


def test_what_another_workspace_was_told_is_not_seen(alice: Caller, charlie: Caller, ines: Prospect) -> None:
    post(alice, event(campaign={"name": "Q2"}))

    assert charlie.ok("GET", "/campaign-events")["data"] == []
    assert charlie.ok("GET", "/campaigns")["data"] == []
    charlie.problem(404, "GET", f"/prospects/{ines.pk}/timeline")
    charlie.problem(422, "POST", "/campaign-events", {**event(), "prospect": {"id": str(ines.pk)}})


def test_a_key_for_prospects_may_not_tell_of_events(workspace: Workspace, caller_for: CallerFor) -> None:
    refused = caller_for(workspace, ["read", "prospects:write"]).problem(
        403, "POST", "/campaign-events", event()
    )

    assert refused["missing_scope"] == "events:write"


def test_an_idempotency_key_holds_for_events_too(alice: Caller, ines: Prospect) -> None:
    told, headers = event(), {"Idempotency-Key": "once"}
    first = alice.call("POST", "/campaign-events", told, headers)
    again = alice.call("POST", "/campaign-events", told, headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again["Idempotent-Replayed"] == "true"
    assert first.content == again.content


class TestCampaigns:
    def test_a_campaign_is_made_and_listed_with_its_emails(self, alice: Caller, ines: Prospect) -> None:
        made = alice.ok("POST", "/campaigns", {"id": "12", "name": "Q2 intro"}, status=201)
        assert (made["id"], made["name"], made["emails"]) == ("12", "Q2 intro", 0)

        post(alice, event(campaign={"id": "12"}), event("k2", campaign={"name": "Winter"}))
        listed = alice.ok("GET", "/campaigns")["data"]
        assert [(item["id"], item["name"], item["emails"]) for item in listed] == [
            ("12", "Q2 intro", 1),
            ("Winter", "Winter", 1),
        ]

    def test_an_id_is_given_once(self, alice: Caller) -> None:
        alice.ok("POST", "/campaigns", {"name": "Q2"}, status=201)
        refused = alice.problem(409, "POST", "/campaigns", {"id": "Q2", "name": "Another"})
        assert "“Q2”" in refused["detail"]

    @pytest.mark.parametrize(
        "body", [{}, {"name": ""}, {"name": "  "}, {"name": "x" * 201}, {"name": "a", "x": 1}]
    )
    def test_a_campaign_needs_a_name(self, alice: Caller, body: Any) -> None:
        alice.problem(422, "POST", "/campaigns", body)


class TestTimeline:
    def test_emails_events_and_syncs_are_one_story(
        self, alice: Caller, ines: Prospect, connection: Connection
    ) -> None:
        letter = {
            "id": "m1",
            "subject": "Hello",
            "html": '<p onclick="x()">Hi <a href="javascript:alert(1)">you</a></p><script>alert(1)</script>',
        }
        post(
            alice,
            event("s", hours=5, campaign={"name": "Q2"}, email=letter),
            event("o", "email_opened", hours=4),
            event("r", "email_replied", hours=2, reason="Gladly"),
        )
        at = timezone.now() - timedelta(hours=3)
        LogEntry.objects.create(
            connection=connection,
            at=at,
            side="pipedrive",
            act="update",
            prospect_id=str(ines.pk),
            person_id="9",
        )
        story = alice.ok("GET", f"/prospects/{ines.pk}/timeline")["data"]

        assert [item["kind"] for item in story] == ["event", "sync", "event", "event", "email"]
        assert [item["event"] and item["event"]["key"] for item in story] == ["r", None, "o", "s", None]
        email = story[-1]["email"]
        assert (email["id"], email["campaign"], email["status"]) == ("m1", "Q2", "email_replied")
        assert email["html"] == '<p>Hi <a rel="noopener noreferrer nofollow">you</a></p>'
        assert story[0]["event"]["email_id"] == "m1"

    def test_it_is_read_page_by_page_without_loss(self, alice: Caller, ines: Prospect) -> None:
        at = (timezone.now() - timedelta(hours=1)).isoformat()
        for number in range(4):
            sent = {**event(f"s{number}", email={"id": f"m{number}"}), "at": at}
            opened = {**event(f"o{number}", "email_opened", email={"id": f"m{number}"}), "at": at}
            post(alice, sent, opened)
        found: list[Any] = []
        cursor = ""
        while True:
            page = alice.ok("GET", f"/prospects/{ines.pk}/timeline?limit=5{cursor}")
            found += page["data"]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        names = [item["event"]["key"] if item["event"] else item["email"]["id"] for item in found]
        assert len(names) == len(set(names)) == 12

    @pytest.mark.parametrize("cursor", ["x", "W10", "WzEsMiwzXQ", "bnVsbA"])
    def test_a_cursor_that_is_none_is_refused(self, alice: Caller, ines: Prospect, cursor: str) -> None:
        alice.problem(422, "GET", f"/prospects/{ines.pk}/timeline?cursor={cursor}")


class TestConsent:
    def test_it_is_shown_and_can_be_filtered_by(self, alice: Caller, ines: Prospect) -> None:
        assert alice.ok("GET", f"/prospects/{ines.pk}")["consent"] == "open"
        post(alice, event("u", "unsubscribed"))

        shown = alice.ok("GET", f"/prospects/{ines.pk}")
        assert (shown["consent"], shown["consent_at"] is not None) == ("unsubscribed", True)
        assert len(alice.ok("GET", "/prospects?consent=unsubscribed")["data"]) == 1
        assert alice.ok("GET", "/prospects?consent=open")["data"] == []

    def test_it_can_be_tightened(self, alice: Caller, ines: Prospect) -> None:
        changed = alice.ok("PATCH", f"/prospects/{ines.pk}", {"consent": "unsubscribed"})
        assert changed["consent"] == "unsubscribed"

    def test_it_is_not_loosened_by_a_program(self, alice: Caller, ines: Prospect, author: Author) -> None:
        post(alice, event("u", "unsubscribed"))
        for looser in ("open", "bounced"):
            refused = alice.problem(409, "PATCH", f"/prospects/{ines.pk}", {"consent": looser})
            assert "Only a member" in refused["detail"]
        alice.ok(
            "POST", "/prospects/bulk", {"items": [{"email": INES, "consent": "open", "company": "Acme"}]}
        )
        ines.refresh_from_db()
        assert (ines.consent, ines.company) == (Consent.UNSUBSCRIBED, "Acme")

        renew_consent(author, ines.pk)
        assert alice.ok("GET", f"/prospects/{ines.pk}")["consent"] == "open"


class TestMailProviders:
    def test_its_addresses_work_until_it_is_removed_and_are_not_listed(
        self, alice: Caller, ines: Prospect
    ) -> None:
        made = alice.ok("POST", "/mail-providers", {"provider": "postmark"}, status=201)
        assert made["tracking_url"].endswith("/postmark/tracking/")
        assert made["inbound_url"].endswith("/postmark/inbound/")
        (listed,) = alice.ok("GET", "/mail-providers")["data"]
        assert "tracking_url" not in listed
        assert (listed["id"], listed["last_delivery_at"]) == (made["id"], None)

        path = urlsplit(made["tracking_url"]).path
        at = (timezone.now() - timedelta(hours=1)).isoformat()
        body = {"RecordType": "Open", "Recipient": INES, "ReceivedAt": at, "MessageID": "x"}
        assert alice.client.post(path, body, content_type="application/json").status_code == 200
        assert alice.ok("GET", "/campaign-events")["data"][0]["source"] == "postmark"
        assert alice.ok("GET", "/mail-providers")["data"][0]["last_delivery_at"] is not None

        alice.ok("DELETE", f"/mail-providers/{made['id']}", status=204)
        assert alice.client.post(path, body, content_type="application/json").status_code == 401

    def test_the_last_event_that_could_not_be_taken_is_told(self, alice: Caller, ines: Prospect) -> None:
        made = alice.ok("POST", "/mail-providers", {"provider": "postmark"}, status=201)
        assert made["dropped"] is None
        ahead = (timezone.now() + timedelta(days=1)).isoformat()
        body = {"RecordType": "Open", "Recipient": INES, "ReceivedAt": ahead, "MessageID": "x"}
        path = urlsplit(made["tracking_url"]).path
        assert alice.client.post(path, body, content_type="application/json").status_code == 200

        dropped = alice.ok("GET", "/mail-providers")["data"][0]["dropped"]
        assert "lies in the future. Check the clock" in dropped["why"]
        assert dropped["event"]["prospect"] == {"email": INES}
        told_again = alice.call("POST", "/campaign-events", dropped["event"])
        assert told_again.status_code == 422

    def test_a_provider_that_delivers_no_replies_has_no_address_for_them(self, alice: Caller) -> None:
        made = alice.ok("POST", "/mail-providers", {"provider": "brevo"}, status=201)
        assert made["inbound_url"] is None

    def test_its_addresses_are_read_and_renewed_by_who_may_change_them(
        self, alice: Caller, workspace: Workspace, caller_for: CallerFor
    ) -> None:
        reader = caller_for(workspace, ["read"])
        made = alice.ok("POST", "/mail-providers", {"provider": "postmark"}, status=201)
        place = f"/mail-providers/{made['id']}"
        assert alice.ok("GET", place) == made
        reader.problem(403, "GET", place)
        renewed = alice.ok("POST", f"{place}/renew")
        assert renewed["tracking_url"] != made["tracking_url"]
        assert alice.ok("GET", place)["tracking_url"] == renewed["tracking_url"]
        path = urlsplit(made["tracking_url"]).path
        assert alice.client.post(path, {}, content_type="application/json").status_code == 401

    def test_the_key_of_a_provider_that_signs_may_come_later(self, alice: Caller) -> None:
        made = alice.ok("POST", "/mail-providers", {"provider": "mailgun"}, status=201)
        assert made["awaits_signing_key"]
        place = f"/mail-providers/{made['id']}"
        assert "signing_key" in alice.problem(422, "PATCH", place, {"signing_key": ""})["errors"]
        assert not alice.ok("PATCH", place, {"signing_key": "key-1"})["awaits_signing_key"]
        assert not alice.ok("GET", "/mail-providers")["data"][0]["awaits_signing_key"]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"provider": "sendmail"}, "provider"),
            ({"provider": "sendgrid", "signing_key": "x"}, "signing_key"),
            ({"provider": "postmark", "signing_key": "x"}, "signing_key"),
            ({"provider": "mailgun", "signing_key": "clé"}, "signing_key"),
        ],
    )
    def test_what_does_not_fit_is_told_at_its_place(self, alice: Caller, body: Any, field: str) -> None:
        assert field in alice.problem(422, "POST", "/mail-providers", body)["errors"]

    def test_another_workspaces_provider_is_not_found(self, alice: Caller, charlie: Caller) -> None:
        made = alice.ok("POST", "/mail-providers", {"provider": "brevo"}, status=201)
        charlie.problem(404, "GET", f"/mail-providers/{made['id']}")
        charlie.problem(404, "POST", f"/mail-providers/{made['id']}/renew")
        charlie.problem(404, "PATCH", f"/mail-providers/{made['id']}", {"signing_key": "x"})
        charlie.problem(404, "DELETE", f"/mail-providers/{made['id']}")
        charlie.problem(404, "DELETE", "/mail-providers/7")
