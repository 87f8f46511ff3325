"""Addresses for e-mail service providers: made, found by their secret, removed."""

import secrets
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from tidegate.store.keys import digest_of
from tidegate.store.models import MailProvider, Workspace
from tidegate.store.secrets import decrypt, encrypt

SEEN_EVERY = timedelta(minutes=1)


def make_mail_provider(
    workspace: Workspace, provider: str, signing_key: str = ""
) -> tuple[MailProvider, str]:
    """A new address, and its secret part, which nobody can read again."""
    secret = secrets.token_urlsafe(32)
    row = MailProvider.objects.create(
        workspace=workspace,
        provider=provider,
        digest=digest_of(secret),
        signing_key=encrypt(signing_key) if signing_key else None,
    )
    return row, secret


def find_mail_provider(secret: str, provider: str) -> MailProvider | None:
    return MailProvider.objects.filter(digest=digest_of(secret), provider=provider).first()


def signing_key_of(row: MailProvider) -> str:
    return decrypt(row.signing_key) if row.signing_key else ""


def note_delivery(row: MailProvider) -> None:
    """No more exact than a minute: a burst of deliveries must not queue for one row."""
    now = timezone.now()
    stale = Q(last_delivery_at=None) | Q(last_delivery_at__lt=now - SEEN_EVERY)
    MailProvider.objects.filter(stale, pk=row.pk).update(last_delivery_at=now)
