"""What was written, and what could not be."""

from django.db import models
from django.utils import timezone

from tidegate.store.models.connections import Connection


class LogEntry(models.Model):
    """One write, or one decision not to write that somebody may ask about."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField(default=timezone.now)
    side = models.CharField(max_length=10)
    """The side that was written."""
    act = models.CharField(max_length=20)
    """`create`, `update`, `link`, `unlink`, `skip`, `fail`, `organization`, `overtaken`."""
    prospect_id = models.CharField(max_length=64, blank=True)
    person_id = models.CharField(max_length=64, blank=True)
    record_name = models.CharField(max_length=300, blank=True)
    changes = models.JSONField(default=list)
    """[{"field", "name", "kind", "before", "after", "lost", "conflict"}], values as JSON of `core.values`."""
    cause = models.CharField(max_length=20, blank=True)
    """`live`, `transfer`, `catchup`, `retry`, `undo`, `automation`."""
    cause_text = models.CharField(max_length=300, blank=True)
    """Why, in words: who edited what where."""
    message = models.TextField(blank=True)
    tokens = models.PositiveIntegerField(default=0)
    transfer = models.ForeignKey(
        "store.Transfer", null=True, blank=True, on_delete=models.SET_NULL, related_name="log"
    )
    seconds = models.FloatField(null=True, blank=True)
    """From the change's arrival to the write's answer."""

    class Meta:
        indexes = [
            models.Index(fields=["connection", "-at"], name="log_recent"),
            models.Index(fields=["connection", "prospect_id"], name="log_by_prospect"),
            models.Index(fields=["connection", "person_id"], name="log_by_person"),
        ]

    def __str__(self) -> str:
        return f"{self.act} on {self.side}: {self.record_name}"


class Attention(models.Model):
    """Something a person must decide or mend; open until `settled_at`."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="attention")
    kind = models.CharField(max_length=40)
    """The error's class in short: `ambiguous`, `invalid`, `forbidden`, `full`, `gone`, `hidden`,
    `merged`, `oscillating`, `mapping`; `automation`, `history` and `consent`: what of a campaign could not be written."""
    side = models.CharField(max_length=10, blank=True)
    prospect_id = models.CharField(max_length=64, blank=True)
    person_id = models.CharField(max_length=64, blank=True)
    record_name = models.CharField(max_length=300, blank=True)
    message = models.TextField()
    cure = models.TextField(blank=True)
    """What to do, in words."""
    facts = models.JSONField(default=dict)
    """Candidates, the field and value at fault; `of`: the runs, e-mails or prospect that a campaign's case holds."""
    details = models.JSONField(default=dict)
    """Technical details of the answer it comes from: `method`, `path`, `status`, `text`, `code`, `at`, `tries`; `of`: which of
    what a campaign's case holds they are about. Empty where no app answered."""
    created_at = models.DateTimeField(default=timezone.now)
    tried_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "kind", "prospect_id", "person_id"],
                condition=models.Q(settled_at__isnull=True),
                name="one_open_attention",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.record_name}"
