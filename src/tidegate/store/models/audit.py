"""Who changed what in a workspace: written with the change itself, and never changed."""

from django.db import models
from django.utils import timezone

from tidegate.store.models.people import Workspace


class AuditEntry(models.Model):
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="audit_log")
    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=200)
    """A member's name, or the API key or command that acted."""
    act = models.CharField(max_length=40)
    """A `store.audit.Act`."""
    subject = models.CharField(max_length=300, blank=True)
    """What it was done to, by the name it had then."""
    before = models.JSONField(default=dict)
    """Name -> value, of what changed. Secrets are not in it."""
    after = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["workspace", "-id"], name="audit_recent")]

    def __str__(self) -> str:
        return f"{self.actor}: {self.act} {self.subject}"
