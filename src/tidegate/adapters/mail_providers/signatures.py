"""Signatures that anymail leaves to other packages: Svix (Resend) and Amazon SNS (SES), and whether a key can be one."""

import base64
import binascii
import hmac
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from tidegate.errors import NotGenuine
from tidegate.words import say

SVIX_PREFIX = "whsec_"
SVIX_TOLERANCE = 300
"""Seconds by which a delivery's own time may differ from ours: an older one may be a recording."""

_AMAZON = re.compile(r"sns\.[a-z0-9-]{3,30}\.amazonaws\.com(\.cn)?")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
    "UnsubscribeConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip
_HASHES: Mapping[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303  # topics sign by SHA-1 until told otherwise


def sendgrid_key(text: str) -> ec.EllipticCurvePublicKey | None:
    """SendGrid's verification key as its page shows it: base64 without the frame of a PEM file. None where it is none."""
    try:
        key = serialization.load_der_public_key(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error):
        return None
    return key if isinstance(key, ec.EllipticCurvePublicKey) else None


def svix_key(secret: str) -> bytes | None:
    """The key within a signing secret (`whsec_...`); None where it is none."""
    try:
        return base64.b64decode(secret.removeprefix(SVIX_PREFIX), validate=True) or None
    except (ValueError, binascii.Error):
        return None


def is_signed_by_svix(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """Any of the signatures may fit: while a secret is exchanged there are two."""
    key, sent = svix_key(secret), headers.get("svix-timestamp", "")
    if key is None or not re.fullmatch(r"[0-9]{1,12}", sent):
        return False
    if abs(time.time() - int(sent)) > SVIX_TOLERANCE:
        return False
    signed = f"{headers.get('svix-id', '')}.{sent}.".encode() + body
    expected = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    given = (item.partition(",") for item in headers.get("svix-signature", "").split())
    return any(
        version == "v1" and hmac.compare_digest(expected.encode(), signature.encode())
        for version, _, signature in given
    )


def amazon_address(url: object) -> str:
    """The address, where it is one of Amazon SNS's own. Raises NotGenuine: nothing else is ever called."""
    try:
        parts = urlsplit(str(url))
    except ValueError:
        parts = urlsplit("")
    if parts.scheme != "https" or not _AMAZON.fullmatch(parts.netloc):
        raise NotGenuine(say("This delivery points to an address that is not Amazon’s."))
    return str(url)


def check_sns(message: Mapping[str, Any], certificate: bytes) -> None:
    """Raises NotGenuine where the message was not signed with the key of the certificate (PEM)."""
    try:
        key = x509.load_pem_x509_certificate(certificate).public_key()
        names = _SIGNED[str(message["Type"])]
        signed = "".join(f"{name}\n{message[name]}\n" for name in names if message.get(name) is not None)
        if not isinstance(key, rsa.RSAPublicKey):
            raise NotGenuine(say("The certificate of this delivery is not of the kind Amazon uses."))
        key.verify(
            base64.b64decode(str(message["Signature"]), validate=True),
            signed.encode(),
            padding.PKCS1v15(),
            _HASHES[str(message["SignatureVersion"])],
        )
    except (InvalidSignature, KeyError, ValueError, binascii.Error) as error:
        raise NotGenuine(say("The signature of Amazon SNS is missing or wrong.")) from error
