"""Addresses for e-mail service providers: made, found by their secret, renewed, removed; and what came in at them."""

import secrets
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tidegate.errors import NotFound
from tidegate.store.audit import Act, note
from tidegate.store.keys import digest_of
from tidegate.store.models import MailProvider, Workspace
from tidegate.store.secrets import decrypt, encrypt
from tidegate.words import say

SEEN_EVERY = timedelta(minutes=1)


@transaction.atomic
def make_mail_provider(
    workspace: Workspace, provider: str, signing_key: str = "", *, actor: str
) -> MailProvider:
    row = MailProvider(workspace=workspace, provider=provider)
    _give_secret(row)
    row.signing_key = encrypt(signing_key) if signing_key else None
    row.save()
    note(workspace.pk, Act.MAIL_PROVIDER_ADDED, actor=actor, subject=provider)
    return row


@transaction.atomic
def renew_secret(row: MailProvider, *, actor: str) -> None:
    """Another address; the one before stops working at once."""
    _give_secret(row)
    row.save(update_fields=["digest", "secret"])
    note(row.workspace_id, Act.MAIL_PROVIDER_RENEWED, actor=actor, subject=row.provider)


@transaction.atomic
def remove_mail_provider(row: MailProvider, *, actor: str) -> None:
    """Its address stops working at once; what it told stays."""
    row.delete()
    note(row.workspace_id, Act.MAIL_PROVIDER_REMOVED, actor=actor, subject=row.provider)


def _give_secret(row: MailProvider) -> None:
    secret = secrets.token_urlsafe(32)
    row.digest, row.secret = digest_of(secret), encrypt(secret)


def get_mail_provider(workspace: Workspace, mail_provider_id: UUID) -> MailProvider:
    """Raises NotFound, also for another workspace's."""
    row = MailProvider.objects.filter(workspace=workspace, pk=mail_provider_id).first()
    if row is None:
        raise NotFound(say("There is no such e-mail service provider here."))
    return row


def find_mail_provider(secret: str, provider: str) -> MailProvider | None:
    return MailProvider.objects.filter(digest=digest_of(secret), provider=provider).first()


def secret_of(row: MailProvider) -> str | None:
    """None where the address was made before it could be shown again."""
    return decrypt(row.secret) if row.secret else None


def signing_key_of(row: MailProvider) -> str:
    return decrypt(row.signing_key) if row.signing_key else ""


@transaction.atomic
def keep_signing_key(row: MailProvider, signing_key: str, *, actor: str) -> None:
    row.signing_key = encrypt(signing_key)
    row.save(update_fields=["signing_key"])
    note(row.workspace_id, Act.SIGNING_KEY_ENTERED, actor=actor, subject=row.provider)


def note_delivery(row: MailProvider) -> None:
    """No more exact than a minute: a burst of deliveries must not queue for one row."""
    now = timezone.now()
    stale = Q(last_delivery_at=None) | Q(last_delivery_at__lt=now - SEEN_EVERY) | ~Q(refused_at=None)
    MailProvider.objects.filter(stale, pk=row.pk).update(
        last_delivery_at=now, refused_at=None, refused_why=""
    )


def note_refusal(row: MailProvider, why: str) -> None:
    now = timezone.now()
    stale = Q(refused_at=None) | Q(refused_at__lt=now - SEEN_EVERY)
    MailProvider.objects.filter(stale, pk=row.pk).update(refused_at=now, refused_why=why[:300])


def note_dropped(row: MailProvider, event: dict[str, object], why: str) -> None:
    """The last event that could not be taken, so that somebody who misses events sees what is wrong with them."""
    MailProvider.objects.filter(pk=row.pk).update(
        dropped_at=timezone.now(), dropped_why=why[:2_000], dropped_event=event
    )
