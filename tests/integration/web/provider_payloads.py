"""Deliveries of SendGrid, Resend and Amazon SES in the shapes their documents give, signed as they sign them."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

INES = "ines@brightwater.example"
NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
ISO = NOW.isoformat().replace("+00:00", "Z")
EPOCH = int(NOW.timestamp())

_sendgrid = ec.generate_private_key(ec.SECP256R1())
SENDGRID_KEY = base64.b64encode(
    _sendgrid.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
).decode()
_SVIX = b"0123456789abcdef01234567"
RESEND_KEY = f"whsec_{base64.b64encode(_SVIX).decode()}"

CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-01.pem"
SUBSCRIBE_URL = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
_amazon = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
CERTIFICATE = (
    x509.CertificateBuilder()
    .subject_name(_named)
    .issuer_name(_named)
    .public_key(_amazon.public_key())
    .serial_number(1)
    .not_valid_before(NOW)
    .not_valid_after(NOW + timedelta(days=9))
    .sign(_amazon, hashes.SHA256())
    .public_bytes(serialization.Encoding.PEM)
)


def sendgrid(event: str, **facts: Any) -> list[dict[str, Any]]:
    told = {
        "email": INES,
        "timestamp": EPOCH,
        "event": event,
        "category": ["campaign-12"],
        "sg_event_id": "ZGVsaXZlcmVkLTAtMTIz",
        "sg_message_id": "msg-1.recvd-5f6d-1-64A-7.0",
    }
    return [{**told, **facts}]


def sendgrid_headers(body: bytes) -> dict[str, str]:
    stamp = str(EPOCH)
    signature = _sendgrid.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
    }


def resend(kind: str, **facts: Any) -> dict[str, Any]:
    data = {
        "created_at": "2026-02-22T23:41:11.894719+00:00",
        "email_id": "msg-1",
        "from": "Maja <maja@northlight.example>",
        "to": [INES],
        "subject": "Hello",
        "headers": [{"name": "X-Tags", "value": '["campaign-12"]'}],
    }
    return {"type": f"email.{kind}", "created_at": ISO, "data": {**data, **facts}}


def resend_headers(body: bytes, at: datetime | None = None) -> dict[str, str]:
    stamp = str(int((at or datetime.now(UTC)).timestamp()))
    signed = f"msg_2Lh9KRb0pzN4LePd3XiA4v12Axj.{stamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(_SVIX, signed, "sha256")).decode()
    return {
        "svix-id": "msg_2Lh9KRb0pzN4LePd3XiA4v12Axj",
        "svix-timestamp": stamp,
        "svix-signature": f"v1,b2xk v1,{signature}",
    }


def amazon(event: str, **facts: Any) -> dict[str, Any]:
    """An event of SES by its event publishing, in the message by which SNS delivers it."""
    mail = {
        "timestamp": ISO,
        "source": "maja@northlight.example",
        "messageId": "msg-1",
        "destination": [INES],
        "headersTruncated": False,
        "headers": [{"name": "X-Tag", "value": "campaign-12"}],
    }
    return sns("Notification", Message=json.dumps({"eventType": event, "mail": mail, event.lower(): facts}))


def sns(kind: str, version: str = "1", **facts: Any) -> dict[str, Any]:
    message = {
        "Type": kind,
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:campaigns",
        "Subject": "Amazon SES Email Event Notification" if kind == "Notification" else None,
        "Timestamp": ISO,
        **facts,
    }
    message = {name: value for name, value in message.items() if value is not None}
    names = ["Message", "MessageId", "Timestamp", "TopicArn", "Type"]
    names += ["Subject"] if kind == "Notification" and "Subject" in message else []
    names += ["SubscribeURL", "Token"] if kind != "Notification" else []
    signed = "".join(f"{name}\n{message[name]}\n" for name in sorted(names))
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303  # as Amazon does
    signature = _amazon.sign(signed.encode(), padding.PKCS1v15(), algorithm)
    return {
        **message,
        "SignatureVersion": version,
        "Signature": base64.b64encode(signature).decode(),
        "SigningCertURL": CERTIFICATE_URL,
    }


def amazon_headers(message: Any) -> dict[str, str]:
    told = message if isinstance(message, dict) else {}
    return {
        "x-amz-sns-message-type": str(told.get("Type", "Notification")),
        "x-amz-sns-message-id": str(told.get("MessageId", "")),
    }


def subscription() -> dict[str, Any]:
    return sns(
        "SubscriptionConfirmation",
        Message="You have chosen to subscribe",
        Token="t",
        SubscribeURL=SUBSCRIBE_URL,
    )


NEW_DELIVERIES = [
    ("sendgrid", sendgrid("delivered", response="250 OK", **{"smtp-id": "<x@ismtpd>"}), "email_delivered"),
    ("sendgrid", sendgrid("deferred", response="400 later", attempt="5"), "email_delayed"),
    (
        "sendgrid",
        sendgrid("open", useragent="Mozilla/5.0", ip="192.0.2.1", sg_machine_open=False),
        "email_opened",
    ),
    ("sendgrid", sendgrid("click", url="https://a.example", useragent="Mozilla/5.0"), "link_clicked"),
    ("sendgrid", sendgrid("bounce", type="bounce", reason="500 unknown", status="5.0.0"), "email_bounced"),
    ("sendgrid", sendgrid("bounce", type="blocked", reason="blocked", status="4.0.0"), "email_delayed"),
    ("sendgrid", sendgrid("dropped", reason="Bounced Address", status="5.0.0"), "email_bounced"),
    ("sendgrid", sendgrid("dropped", reason="Unsubscribed Address"), "unsubscribed"),
    ("sendgrid", sendgrid("spamreport"), "unsubscribed"),
    ("sendgrid", sendgrid("unsubscribe"), "unsubscribed"),
    ("sendgrid", sendgrid("group_unsubscribe", asm_group_id=10), "unsubscribed"),
    ("resend", resend("sent"), "email_sent"),
    ("resend", resend("delivered"), "email_delivered"),
    ("resend", resend("delivery_delayed"), "email_delayed"),
    ("resend", resend("opened"), "email_opened"),
    (
        "resend",
        resend("clicked", click={"ipAddress": "192.0.2.1", "link": "https://a.example", "timestamp": ISO}),
        "link_clicked",
    ),
    (
        "resend",
        resend(
            "bounced", bounce={"message": "a hard bounce message", "subType": "General", "type": "Permanent"}
        ),
        "email_bounced",
    ),
    (
        "resend",
        resend("bounced", bounce={"message": "inbox full", "subType": "MailboxFull", "type": "Transient"}),
        "email_delayed",
    ),
    ("resend", resend("complained"), "unsubscribed"),
    ("amazon_ses", amazon("Send"), "email_sent"),
    ("amazon_ses", amazon("Delivery", recipients=[INES], smtpResponse="250 ok"), "email_delivered"),
    ("amazon_ses", amazon("Open", timestamp=ISO, userAgent="Mozilla/5.0"), "email_opened"),
    ("amazon_ses", amazon("Click", timestamp=ISO, link="https://a.example"), "link_clicked"),
    (
        "amazon_ses",
        amazon(
            "Bounce",
            bounceType="Permanent",
            bounceSubType="General",
            bouncedRecipients=[{"emailAddress": INES, "diagnosticCode": "smtp; 550 no such user"}],
        ),
        "email_bounced",
    ),
    (
        "amazon_ses",
        amazon(
            "Bounce",
            bounceType="Transient",
            bounceSubType="MailboxFull",
            bouncedRecipients=[{"emailAddress": INES}],
        ),
        "email_delayed",
    ),
    (
        "amazon_ses",
        amazon("Complaint", complaintFeedbackType="abuse", complainedRecipients=[{"emailAddress": INES}]),
        "unsubscribed",
    ),
    ("amazon_ses", amazon("Reject", reason="Bad content"), "email_failed"),
]
