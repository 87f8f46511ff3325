"""A write that carried an `Idempotency-Key`, and what was answered: the same request again gets the same answer."""

from django.db import models
from django.utils import timezone

from tidegate.store.models.people import Workspace


class IdempotencyKey(models.Model):
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="idempotency_keys")
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    """Of method, address and body: the same key with other content is a mistake of the caller."""
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    """None: the request is being carried out, or was when its process ended."""
    body = models.BinaryField(default=b"")
    claimed_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "key"], name="one_answer_per_idempotency_key")
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_by_age")]

    def __str__(self) -> str:
        return self.key
