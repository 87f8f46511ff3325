"""Claims on idempotency keys: one request at a time carries a key out, the others get its answer or are told to wait.

The claim is committed before the deed and its answer after it (or with it, where the deed is all in the database).
A refused request did nothing, so its claim is dropped and the key is free again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tidegate.errors import Conflict
from tidegate.store.models import IdempotencyKey, Workspace
from tidegate.words import say

KEPT_FOR = timedelta(hours=24)
CLAIM_LASTS = timedelta(minutes=2)
"""Longer than any call takes: past it, the process that held the claim has ended without an answer."""


class StillRunning(Conflict):
    words = say("A request with this idempotency key is being carried out. Ask again in a moment.")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


def claim(workspace: Workspace, key: str, digest: str, now: datetime) -> Answer | None:
    """The answer given before, or None: then the caller carries the request out, and calls `keep` or `drop`.

    Raises Conflict where the key came with other content, StillRunning where somebody else is at it.
    """
    IdempotencyKey.objects.filter(workspace=workspace, key=key, created_at__lt=now - KEPT_FOR).delete()
    row, made = IdempotencyKey.objects.get_or_create(
        workspace=workspace, key=key, defaults={"digest": digest, "claimed_at": now, "created_at": now}
    )
    if made:
        return None
    if row.digest != digest:
        raise Conflict(
            say("This idempotency key was used with another request. Use a new key for a new request.")
        )
    if row.status is not None:
        return Answer(row.status, bytes(row.body))
    abandoned = IdempotencyKey.objects.filter(
        pk=row.pk, status__isnull=True, claimed_at__lt=now - CLAIM_LASTS
    )
    if not abandoned.update(claimed_at=now):
        raise StillRunning
    return None


def keep(workspace: Workspace, key: str, answer: Answer) -> None:
    IdempotencyKey.objects.filter(workspace=workspace, key=key).update(status=answer.status, body=answer.body)


def drop(workspace: Workspace, key: str) -> None:
    IdempotencyKey.objects.filter(workspace=workspace, key=key, status__isnull=True).delete()


def forget_old(now: datetime) -> int:
    """Delete what is past its time; returns how many. Called by the daily clean-up."""
    return IdempotencyKey.objects.filter(created_at__lt=now - KEPT_FOR).delete()[0]
