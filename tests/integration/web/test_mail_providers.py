"""Deliveries of e-mail service providers: genuine or refused, in our words, on the right e-mail, each once."""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from tests.builders import make_workspace
from tests.integration.web.provider_payloads import (
    CERTIFICATE,
    CERTIFICATE_URL,
    EPOCH,
    INES,
    ISO,
    NEW_DELIVERIES,
    NOW,
    RESEND_KEY,
    SENDGRID_KEY,
    SUBSCRIBE_URL,
    amazon,
    amazon_headers,
    resend,
    resend_headers,
    sendgrid,
    sendgrid_headers,
    sns,
    subscription,
)
from tidegate.adapters.mail_providers.providers import PROVIDERS
from tidegate.errors import Invalid, RemoteUnavailable
from tidegate.prospects.events.recording import Telling, record_events
from tidegate.prospects.models import CampaignEmail, CampaignEvent, Consent, Prospect
from tidegate.prospects.services import Author, create_prospect
from tidegate.store.models import MailProvider, Workspace
from tidegate.wiring import amazon as amazon_wiring
from tidegate.wiring.mail_providers import add_mail_provider, addresses_of, set_signing_key

pytestmark = pytest.mark.django_db

KEY = "key-0123456789abcdef"
KEYS = {"sendgrid": SENDGRID_KEY, "resend": RESEND_KEY, "mailgun": KEY, "mailersend": KEY}


def postmark(record: str, **facts: Any) -> dict[str, Any]:
    return {"RecordType": record, "MessageID": "msg-1", "Tag": "campaign-12", "Metadata": {}, **facts}


def mailgun(event: str, **facts: Any) -> dict[str, Any]:
    token, stamp = "a" * 50, str(EPOCH)
    signature = hmac.new(KEY.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    data = {
        "event": event,
        "timestamp": EPOCH + 0.25,
        "id": "G9Bn5sl1TC6nu79C8C0bwg",
        "recipient": INES,
        "message": {"headers": {"to": INES, "message-id": "msg-1", "from": "maja@northlight.example"}},
        "user-variables": {},
        "tags": ["campaign-12"],
        **facts,
    }
    return {"signature": {"timestamp": stamp, "token": token, "signature": signature}, "event-data": data}


def brevo(event: str, **facts: Any) -> dict[str, Any]:
    return {
        "event": event,
        "email": INES,
        "id": 26224,
        "date": "2026-05-11 08:00:00",
        "ts_epoch": EPOCH * 1000,
        "message-id": "<msg-1>",
        "tags": ["campaign-12"],
        **facts,
    }


def mailjet(event: str, **facts: Any) -> dict[str, Any]:
    return {
        "event": event,
        "time": EPOCH,
        "MessageID": 19421777835146490,
        "Message_GUID": "1ab23cd4",
        "email": INES,
        "customcampaign": "campaign-12",
        "Payload": '{"sent_email": "m1"}',
        **facts,
    }


def mailersend(kind: str, **facts: Any) -> dict[str, Any]:
    email = {
        "id": "62f114f8165fe0d8db0288e3",
        "from": "maja@northlight.example",
        "subject": "Hello",
        "tags": ["campaign-12"],
        "message": {"id": "msg-1"},
        "recipient": {"id": "62f114f7165fe0d8db0288e2", "email": INES},
    }
    data = {
        "object": "activity",
        "id": "62f114f8165fe0d8db0288e5",
        "type": kind,
        "created_at": ISO,
        "email": email,
    }
    return {"type": f"activity.{kind}", "created_at": ISO, "data": {**data, **facts}}


def sparkpost(kind: str, **facts: Any) -> list[dict[str, Any]]:
    family = "track_event" if kind in ("open", "click") else "message_event"
    event = {
        "type": kind,
        "event_id": "92356927693813856",
        "timestamp": str(EPOCH),
        "transmission_id": "msg-1",
        "raw_rcpt_to": INES,
        "campaign_id": "campaign-12",
        "rcpt_meta": {},
        **facts,
    }
    return [{"msys": {family: event}}]


@dataclass
class Deliver:
    """Delivers to the addresses of one provider."""

    name: str
    addresses: dict[str, str]

    def __call__(self, body: Any, kind: str = "tracking", **how: Any) -> int:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {}
        if self.name == "mailersend":
            headers["Signature"] = hmac.new(KEY.encode(), raw, hashlib.sha256).hexdigest()
        headers |= sendgrid_headers(raw) if self.name == "sendgrid" else {}
        headers |= resend_headers(raw) if self.name == "resend" else {}
        headers |= amazon_headers(body) if self.name == "amazon_ses" else {}
        path = how.pop("path", None) or urlsplit(self.addresses[kind]).path
        answer = Client().generic(
            "POST", path, raw, content_type="application/json", headers={**headers, **how.pop("headers", {})}
        )
        return answer.status_code


DeliverTo = Callable[[str], Deliver]


@pytest.fixture
def workspace() -> Workspace:
    return make_workspace()


@pytest.fixture
def ines(workspace: Workspace) -> Prospect:
    """With one e-mail that was sent to her, known as m1 here and msg-1 at the provider."""
    author = Author(workspace.pk, "Alice", "api")
    prospect = create_prospect(author, {"first_name": "Inês", "email": INES}).prospect
    sent = {
        "key": "sent",
        "type": "email_sent",
        "at": (NOW - timedelta(hours=2)).isoformat(),
        "prospect": {"email": INES},
        "email": {"id": "m1", "message_id": "msg-1", "subject": "Hello"},
    }
    assert not record_events(author, [Telling(sent)], source="api")[0].errors
    return prospect


@pytest.fixture
def to(workspace: Workspace) -> DeliverTo:
    def make(name: str) -> Deliver:
        return Deliver(
            name, addresses_of(add_mail_provider(workspace, name, KEYS.get(name, ""), actor="Alice"))
        )

    return make


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of Amazon, who answers with its certificate."""
    asked: list[str] = []

    def answer(url: str) -> bytes:
        asked.append(url)
        return CERTIFICATE

    monkeypatch.setattr(amazon_wiring, "ask_amazon", answer)
    amazon_wiring.certificate_at.cache_clear()
    return asked


def told() -> list[CampaignEvent]:
    return list(CampaignEvent.objects.exclude(key="sent").order_by("pk"))


DELIVERIES = [
    ("postmark", postmark("Delivery", Recipient=INES, DeliveredAt=ISO), "email_delivered"),
    ("postmark", postmark("Open", Recipient=INES, ReceivedAt=ISO, FirstOpen=True), "email_opened"),
    (
        "postmark",
        postmark("Click", Recipient=INES, ReceivedAt=ISO, OriginalLink="https://a.example"),
        "link_clicked",
    ),
    ("postmark", postmark("Bounce", Email=INES, BouncedAt=ISO, ID=42, Type="HardBounce"), "email_bounced"),
    ("postmark", postmark("Bounce", Email=INES, BouncedAt=ISO, ID=42, Type="SoftBounce"), "email_delayed"),
    ("postmark", postmark("Bounce", Email=INES, BouncedAt=ISO, ID=42, Type="Transient"), "email_delayed"),
    ("postmark", postmark("Bounce", Email=INES, BouncedAt=ISO, ID=42, Type="AutoResponder"), "email_replied"),
    (
        "postmark",
        postmark("SpamComplaint", Email=INES, BouncedAt=ISO, ID=42, Type="SpamComplaint"),
        "unsubscribed",
    ),
    (
        "postmark",
        postmark(
            "SubscriptionChange",
            Recipient=INES,
            ChangedAt=ISO,
            SuppressSending=True,
            SuppressionReason="ManualSuppression",
        ),
        "unsubscribed",
    ),
    ("mailgun", mailgun("delivered"), "email_delivered"),
    ("mailgun", mailgun("opened", **{"client-info": {"client-name": "Chrome"}}), "email_opened"),
    ("mailgun", mailgun("clicked", url="https://a.example"), "link_clicked"),
    ("mailgun", mailgun("failed", severity="permanent", reason="bounce"), "email_bounced"),
    ("mailgun", mailgun("failed", severity="temporary", reason="generic"), "email_delayed"),
    ("mailgun", mailgun("unsubscribed"), "unsubscribed"),
    ("mailgun", mailgun("complained"), "unsubscribed"),
    ("brevo", brevo("delivered"), "email_delivered"),
    ("brevo", brevo("unique_opened"), "email_opened"),
    ("brevo", brevo("click", link="https://a.example"), "link_clicked"),
    ("brevo", brevo("hard_bounce", reason="no such user"), "email_bounced"),
    ("brevo", brevo("soft_bounce", reason="mailbox full"), "email_delayed"),
    ("brevo", brevo("unsubscribe"), "unsubscribed"),
    ("brevo", brevo("error"), "email_failed"),
    ("mailjet", mailjet("sent"), "email_delivered"),
    ("mailjet", mailjet("open"), "email_opened"),
    ("mailjet", mailjet("click", url="https://a.example"), "link_clicked"),
    ("mailjet", mailjet("bounce", hard_bounce=True, error="user unknown"), "email_bounced"),
    ("mailjet", mailjet("bounce", hard_bounce=False, error="quota exceeded"), "email_delayed"),
    ("mailjet", mailjet("spam"), "unsubscribed"),
    ("mailjet", mailjet("unsub"), "unsubscribed"),
    ("mailersend", mailersend("delivered"), "email_delivered"),
    ("mailersend", mailersend("opened"), "email_opened"),
    (
        "mailersend",
        mailersend("clicked", morph={"object": "click", "url": "https://a.example"}),
        "link_clicked",
    ),
    ("mailersend", mailersend("hard_bounced"), "email_bounced"),
    ("mailersend", mailersend("soft_bounced"), "email_delayed"),
    ("mailersend", mailersend("unsubscribed"), "unsubscribed"),
    ("sparkpost", sparkpost("delivery"), "email_delivered"),
    ("sparkpost", sparkpost("open"), "email_opened"),
    ("sparkpost", sparkpost("click", target_link_url="https://a.example"), "link_clicked"),
    ("sparkpost", sparkpost("bounce", bounce_class="10", raw_reason="550 no such user"), "email_bounced"),
    ("sparkpost", sparkpost("bounce", bounce_class="22", raw_reason="mailbox full"), "email_delayed"),
    ("sparkpost", sparkpost("spam_complaint"), "unsubscribed"),
    *NEW_DELIVERIES,
]


@pytest.mark.parametrize(("name", "body", "kind"), DELIVERIES)
def test_a_delivery_is_stored_in_our_words_on_its_email(
    to: DeliverTo, ines: Prospect, name: str, body: Any, kind: str
) -> None:
    assert to(name)(body) == 200

    (event,) = told()
    assert (event.type, event.prospect, event.source) == (kind, ines, name)
    assert event.email is not None
    assert event.email.key == "m1"
    assert event.campaign is not None
    assert event.campaign.key == "12"
    assert abs(event.at - NOW) < timedelta(seconds=2)
    assert event.raw
    if kind == "link_clicked":
        assert event.url == "https://a.example"
    consent = {"email_bounced": Consent.BOUNCED, "unsubscribed": Consent.UNSUBSCRIBED}.get(kind, Consent.OPEN)
    ines.refresh_from_db()
    assert ines.consent == consent


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_delivery_that_comes_again_is_the_same_event(to: DeliverTo, ines: Prospect, name: str) -> None:
    body = next(body for provider, body, _ in DELIVERIES if provider == name)
    deliver = to(name)

    assert [deliver(body), deliver(body)] == [200, 200]
    assert len(told()) == 1


def test_several_events_of_one_delivery_are_all_stored(to: DeliverTo, ines: Prospect) -> None:
    events = [*sparkpost("open"), *sparkpost("click", target_link_url="https://a.example"), {"msys": {}}]

    assert to("sparkpost")(events) == 200
    assert {event.type for event in told()} == {"email_opened", "link_clicked"}


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("brevo", brevo("unique_proxy_open")),
        ("mailgun", mailgun("opened", **{"client-info": {"bot": "gmail"}})),
        ("sendgrid", sendgrid("open", sg_machine_open=True)),
        ("postmark", postmark("Bounce", Email=INES, BouncedAt=ISO, ID=1, Type="AutoResponder")),
    ],
)
def test_what_a_program_did_is_marked_so(to: DeliverTo, ines: Prospect, name: str, body: Any) -> None:
    to(name)(body)

    assert told()[0].automatic


def test_a_type_that_anymail_does_not_know_is_kept(to: DeliverTo, ines: Prospect) -> None:
    assert to("postmark")(postmark("Reaction", Recipient=INES, ReceivedAt=ISO)) == 200

    assert [event.type for event in told()] == ["unknown"]


def test_the_metadata_name_the_email_before_the_message_id_does(to: DeliverTo, ines: Prospect) -> None:
    to("postmark")(
        postmark("Open", Recipient=INES, ReceivedAt=ISO, MessageID="other", Metadata={"sent_email": "m1"})
    )

    (event,) = told()
    assert event.email is not None
    assert event.email.key == "m1"


def test_an_event_of_another_mail_is_about_none_of_ours(to: DeliverTo, ines: Prospect) -> None:
    to("postmark")(postmark("Open", Recipient=INES, ReceivedAt=ISO, MessageID="invoice"))

    assert told()[0].email is None


class TestRefused:
    @pytest.mark.parametrize("name", PROVIDERS)
    def test_an_address_that_nobody_gave_out(self, to: DeliverTo, ines: Prospect, name: str) -> None:
        body = next(body for provider, body, _ in DELIVERIES if provider == name)
        assert to(name)(body, path=f"/hooks/esp/wrong/{name}/tracking/") == 401
        assert not told()

    def test_the_address_of_another_provider(self, to: DeliverTo, ines: Prospect) -> None:
        path = urlsplit(to("brevo").addresses["tracking"]).path.replace("brevo", "postmark")
        assert to("postmark")(DELIVERIES[0][1], path=path) == 401
        assert not told()

    def test_an_address_that_was_removed(self, to: DeliverTo, ines: Prospect) -> None:
        deliver = to("postmark")
        MailProvider.objects.all().delete()
        assert deliver(DELIVERIES[0][1]) == 401
        assert not told()

    def test_a_wrong_signature(self, to: DeliverTo, ines: Prospect) -> None:
        forged = mailgun("unsubscribed")
        forged["signature"]["signature"] = "0" * 64
        assert to("mailgun")(forged) == 401
        assert to("mailersend")(mailersend("unsubscribed"), headers={"Signature": "0" * 64}) == 401
        assert not told()
        ines.refresh_from_db()
        assert ines.consent == Consent.OPEN

    @pytest.mark.parametrize("name", [name for name, provider in PROVIDERS.items() if provider.signing])
    def test_whatever_comes_before_the_signing_key_is_entered(
        self, workspace: Workspace, ines: Prospect, name: str
    ) -> None:
        row = add_mail_provider(workspace, name, actor="Alice")
        body = next(body for provider, body, _ in DELIVERIES if provider == name)
        deliver = Deliver(name, addresses_of(row))
        assert deliver(body) == 401
        assert not told()
        row.refresh_from_db()
        assert row.refused_at is not None
        assert "enter its" in row.refused_why

        set_signing_key(row, KEYS[name], actor="Alice")
        assert deliver(body) == 200
        assert told()
        assert MailProvider.objects.filter(refused_at=None, refused_why="").exists()

    @pytest.mark.parametrize(
        ("name", "headers"),
        [
            ("sendgrid", sendgrid_headers(b"another body")),
            ("sendgrid", {"X-Twilio-Email-Event-Webhook-Signature": "!"}),
            ("resend", resend_headers(b"another body")),
            ("resend", {"svix-signature": ""}),
            ("resend", {"svix-timestamp": "9" * 5000}),
            ("resend", {"svix-timestamp": str(EPOCH)}),
        ],
    )
    def test_a_signature_of_something_else(
        self, to: DeliverTo, ines: Prospect, name: str, headers: dict[str, str]
    ) -> None:
        body = sendgrid("unsubscribe") if name == "sendgrid" else resend("complained")
        assert to(name)(body, headers=headers) == 401
        assert not told()
        assert MailProvider.objects.get().refused_at is not None

    def test_a_recording_of_a_signed_delivery(self, to: DeliverTo, ines: Prospect) -> None:
        raw = json.dumps(resend("complained")).encode()
        old = resend_headers(raw, datetime.now(UTC) - timedelta(minutes=6))
        assert to("resend")(raw, headers=old) == 401
        assert not told()

    @pytest.mark.parametrize("name", PROVIDERS)
    @pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"null", b'"x"', b"{}", b"\xff\xfe"])
    def test_a_body_that_is_no_delivery(self, to: DeliverTo, ines: Prospect, name: str, body: bytes) -> None:
        assert to(name)(body) in (400, 401, 200)
        assert not told()

    @pytest.mark.parametrize("name", ["postmark", "brevo", "mailjet", "sparkpost"])
    def test_a_body_that_is_not_json_is_malformed(self, to: DeliverTo, name: str) -> None:
        assert to(name)(b"{") == 400

    def test_an_inbound_message_at_the_address_for_events(self, to: DeliverTo, ines: Prospect) -> None:
        assert to("postmark")(inbound()) == 400
        assert not told()

    def test_what_a_provider_has_not(self, to: DeliverTo) -> None:
        deliver = to("brevo")
        path = urlsplit(deliver.addresses["tracking"]).path.replace("tracking", "inbound")
        assert deliver({}, path=path) == 404

    def test_an_address_can_be_probed_and_not_read(self, to: DeliverTo) -> None:
        path = urlsplit(to("postmark").addresses["tracking"]).path
        assert (Client().head(path).status_code, Client().get(path).status_code) == (200, 405)


def inbound(**facts: Any) -> dict[str, Any]:
    """A reply as Postmark delivers it."""
    headers = [
        {"Name": "Return-Path", "Value": f"<{INES}>"},
        {"Name": "Message-ID", "Value": "<re-1@mail.example>"},
    ]
    return {
        "From": f"Inês <{INES}>",
        "FromFull": {"Email": INES, "Name": "Inês"},
        "ToFull": [{"Email": "reply@in.northlight.example", "Name": ""}],
        "OriginalRecipient": "reply@in.northlight.example",
        "Subject": "Re: Hello",
        "MessageID": "inbound-1",
        "TextBody": "Gladly. When?\n\n> Hello",
        "StrippedTextReply": "Gladly. When?",
        "HtmlBody": "",
        **facts,
        "Headers": [*headers, *facts.get("Headers", [])],
    }


class TestReplies:
    def test_a_reply_is_known_by_the_message_it_answers(self, to: DeliverTo, ines: Prospect) -> None:
        header = {"Name": "In-Reply-To", "Value": "<msg-1>"}
        other = {"Email": "ines@home.example", "Name": ""}
        assert to("postmark")(inbound(FromFull=other, Headers=[header]), "inbound") == 200

        (event,) = told()
        assert (event.type, event.prospect, event.automatic) == ("email_replied", ines, False)
        assert event.reason == "Gladly. When?"
        assert event.email == CampaignEmail.objects.get()

    def test_a_reply_is_known_by_the_address_it_went_to(self, to: DeliverTo, ines: Prospect) -> None:
        to("postmark")(inbound(OriginalRecipient="reply+m1@in.northlight.example"), "inbound")

        assert told()[0].email == CampaignEmail.objects.get()

    def test_else_by_who_sent_it(self, to: DeliverTo, ines: Prospect) -> None:
        to("postmark")(inbound(), "inbound")

        assert told()[0].prospect == ines

    def test_mail_of_strangers_is_not_kept(self, to: DeliverTo, ines: Prospect) -> None:
        stranger = {"Email": "stranger@elsewhere.example", "Name": ""}
        assert to("postmark")(inbound(FromFull=stranger), "inbound") == 200
        assert not told()

    @pytest.mark.parametrize(
        "header",
        [{"Name": "Auto-Submitted", "Value": "auto-replied"}, {"Name": "Precedence", "Value": "auto_reply"}],
    )
    def test_an_out_of_office_is_no_reply(
        self, to: DeliverTo, ines: Prospect, header: dict[str, str]
    ) -> None:
        to("postmark")(inbound(Headers=[header]), "inbound")

        assert told()[0].automatic

    def test_the_same_reply_again_is_known(self, to: DeliverTo, ines: Prospect) -> None:
        deliver = to("postmark")
        assert [deliver(inbound(), "inbound"), deliver(inbound(), "inbound")] == [200, 200]
        assert len(told()) == 1


class TestAmazon:
    """SES delivers by SNS, whose messages are signed by a certificate of Amazon's."""

    @pytest.mark.parametrize("version", ["1", "2"])
    def test_its_signature_is_checked_by_a_certificate_fetched_once(
        self, to: DeliverTo, ines: Prospect, asked: list[str], version: str
    ) -> None:
        deliver = to("amazon_ses")
        message = amazon("Open", timestamp=ISO)
        signed = sns("Notification", version, Message=message["Message"])
        assert [deliver(signed), deliver(signed)] == [200, 200]
        assert (len(told()), asked) == (1, [CERTIFICATE_URL])

    @pytest.mark.parametrize(
        "forged",
        [
            {"Message": amazon("Complaint", complainedRecipients=[{"emailAddress": INES}])["Message"]},
            {"Signature": "AAAA"},
            {"Signature": "!"},
            {"Signature": None},
            {"SignatureVersion": "3"},
            {"Type": "Surprise"},
            {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem"},
            {"SigningCertURL": "http://sns.eu-west-1.amazonaws.com/a.pem"},
            {"SigningCertURL": "https://evil.example/sns.eu-west-1.amazonaws.com"},
            {"SigningCertURL": "https://user@sns.eu-west-1.amazonaws.com/a.pem"},
            {"SigningCertURL": "https://["},
            {"SigningCertURL": None},
        ],
    )
    def test_a_forged_message_is_refused_and_no_other_address_called(
        self, to: DeliverTo, ines: Prospect, asked: list[str], forged: dict[str, Any]
    ) -> None:
        message = {**amazon("Open", timestamp=ISO), **forged}
        assert to("amazon_ses")(message) == 401
        assert not told()
        assert set(asked) <= {CERTIFICATE_URL}

    def test_a_certificate_that_is_none_proves_nothing(
        self, to: DeliverTo, ines: Prospect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(amazon_wiring, "ask_amazon", lambda url: b"<html>")
        assert to("amazon_ses")(amazon("Open", timestamp=ISO)) == 401
        assert not told()

    def test_a_subscription_is_confirmed_by_itself(self, to: DeliverTo, asked: list[str]) -> None:
        assert to("amazon_ses")(subscription()) == 200
        assert asked == [CERTIFICATE_URL, SUBSCRIBE_URL]
        assert not told()

    def test_a_subscription_elsewhere_is_not(self, to: DeliverTo, asked: list[str]) -> None:
        bent = sns("SubscriptionConfirmation", Message="m", Token="t", SubscribeURL="https://evil.example/")
        assert to("amazon_ses")(bent) == 401
        assert asked == [CERTIFICATE_URL]

    def test_what_amazon_says_after_confirming_is_no_event(self, to: DeliverTo) -> None:
        words = "Successfully validated SNS topic for Amazon SES event publishing."
        assert to("amazon_ses")(sns("Notification", Message=words)) == 200
        assert not told()

    def test_while_amazon_does_not_answer_it_is_told_to_come_again(
        self, to: DeliverTo, ines: Prospect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        deliver, message = to("amazon_ses"), amazon("Open", timestamp=ISO)

        def silence(url: str) -> bytes:
            raise RemoteUnavailable("Amazon SNS could not be reached.")

        monkeypatch.setattr(amazon_wiring, "ask_amazon", silence)
        assert deliver(message) == 503
        assert not told()
        monkeypatch.setattr(amazon_wiring, "ask_amazon", lambda url: CERTIFICATE)
        assert deliver(message) == 200
        assert len(told()) == 1

    @pytest.mark.parametrize("action", ["SNS", "S3"])
    def test_a_reply_comes_with_its_content_or_not_at_all(
        self, to: DeliverTo, ines: Prospect, action: str
    ) -> None:
        mime = f"From: {INES}\r\nTo: r@in.example\r\nIn-Reply-To: <msg-1>\r\n\r\nGladly."
        received = {
            "notificationType": "Received",
            "mail": {"source": INES, "messageId": "in-1", "timestamp": ISO},
            "receipt": {
                "recipients": ["r@in.example"],
                "action": {"type": action, "bucketName": "b", "objectKey": "k"},
            },
            "content": mime,
        }
        status = to("amazon_ses")(sns("Notification", Message=json.dumps(received)), "inbound")
        assert status == (200 if action == "SNS" else 400)
        assert [event.reason for event in told()] == (["Gladly."] if action == "SNS" else [])


def test_a_reply_by_sendgrids_form_is_known_by_the_message_it_answers(to: DeliverTo, ines: Prospect) -> None:
    path = urlsplit(to("sendgrid").addresses["inbound"]).path
    headers = f"From: {INES}\nTo: r@in.example\nIn-Reply-To: <msg-1>\nSubject: Re: Hello\n"
    form = {
        "headers": headers,
        "text": "Gladly.",
        "envelope": json.dumps({"to": ["r@in.example"], "from": INES}),
    }
    assert Client().post(path, form).status_code == 200
    (event,) = told()
    assert (event.type, event.reason, event.email) == (
        "email_replied",
        "Gladly.",
        CampaignEmail.objects.get(),
    )


def test_sendgrid_names_the_message_as_it_did_to_its_sender(to: DeliverTo, ines: Prospect) -> None:
    """Openings carry no smtp-id, and deliveries one that nobody was told."""
    deliver = to("sendgrid")
    deliver(sendgrid("delivered", **{"smtp-id": "<other@ismtpd>"}))
    deliver(sendgrid("open", anymail_id="msg-1", sg_message_id="other.recvd"))
    assert [event.email and event.email.key for event in told()] == ["m1", "m1"]


class TestAdding:
    def test_only_a_key_that_can_be_its_own_is_taken(self, workspace: Workspace) -> None:
        for name, provider in PROVIDERS.items():
            bad = "clé" if provider.signing else KEY
            with pytest.raises(Invalid, match="at fault"):
                add_mail_provider(workspace, name, bad, actor="Alice")
        for name, bad in [
            ("sendgrid", RESEND_KEY),
            ("sendgrid", "AAAA"),
            ("resend", "whsec_"),
            ("resend", "x!"),
        ]:
            with pytest.raises(Invalid, match="at fault"):
                add_mail_provider(workspace, name, bad, actor="Alice")
        assert not MailProvider.objects.exists()

    @pytest.mark.parametrize("name", ["", "sendmail", "postmark "])
    def test_an_unknown_provider_is_refused(self, workspace: Workspace, name: str) -> None:
        with pytest.raises(Invalid):
            add_mail_provider(workspace, name, actor="Alice")

    def test_neither_secret_nor_key_can_be_read_in_the_database(self, workspace: Workspace) -> None:
        row = add_mail_provider(workspace, "mailgun", KEY, actor="Alice")
        secret = urlsplit(addresses_of(row)["tracking"]).path.split("/")[3]
        stored = MailProvider.objects.get(pk=row.pk)
        assert secret not in stored.digest
        assert secret.encode() not in bytes(stored.secret or b"")
        assert KEY.encode() not in bytes(stored.signing_key or b"")
