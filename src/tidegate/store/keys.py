"""Keys for programs: made once, shown once, kept as a hash.

A key is `tg_` and 256 random bits, so a plain SHA-256 is as good as any slow hash and costs nothing per call.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from tidegate.errors import NotFound
from tidegate.store.audit import Act, note
from tidegate.store.models import ApiKey, Workspace
from tidegate.words import say

MARK = "tg_"
"""How a key begins, so that scanners for leaked secrets can recognise it."""
PREFIX_LENGTH = 11
"""So much of a key stays readable, to tell keys apart."""
SEEN_EVERY = timedelta(minutes=1)
"""`last_used_at` is no more exact than this: a busy key would else cost a write per call."""


@transaction.atomic
def make_api_key(workspace: Workspace, name: str, scopes: Iterable[str], *, actor: str) -> tuple[ApiKey, str]:
    """A new key and its plain text, which nobody can read again."""
    plain = MARK + secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        workspace=workspace,
        name=name,
        prefix=plain[:PREFIX_LENGTH],
        digest=digest_of(plain),
        scopes=sorted(set(scopes)),
    )
    note(workspace.pk, Act.API_KEY_MADE, actor=actor, subject=name, after=_shown(key))
    return key, plain


def get_api_key(workspace: Workspace, key_id: int) -> ApiKey:
    """One that still works. Raises NotFound, also for another workspace's."""
    found = ApiKey.objects.filter(workspace=workspace, pk=key_id, revoked_at=None).first()
    if found is None:
        raise NotFound(say("There is no such API key here, or it was revoked."))
    return found


@transaction.atomic
def revoke_api_key(key: ApiKey, *, actor: str) -> None:
    """Programs that use it are refused from now on; its row stays, to tell whose key it was."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        note(key.workspace_id, Act.API_KEY_REVOKED, actor=actor, subject=key.name, before=_shown(key))


def _shown(key: ApiKey) -> dict[str, object]:
    return {"begins_with": key.prefix, "scopes": key.scopes}


def find_api_key(plain: str) -> ApiKey | None:
    """The key with this plain text, unless there is none or it was revoked; notes that it was used."""
    key = (
        ApiKey.objects.select_related("workspace")
        .filter(digest=digest_of(plain), revoked_at__isnull=True)
        .first()
    )
    if key is not None:
        now = timezone.now()
        if key.last_used_at is None or now - key.last_used_at > SEEN_EVERY:
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
            key.last_used_at = now
    return key


def digest_of(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()
