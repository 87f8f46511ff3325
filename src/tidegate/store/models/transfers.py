"""A transfer: the manual sync of existing records in one direction, and what became of each record."""

import uuid
from datetime import datetime

from django.db import models

from tidegate.store.models.connections import Connection

COUNTED = (
    "created",
    "updated",
    "unchanged",
    "skipped",
    "failed",
    "restored",
    "deleted",
    "unlinked",
    "kept",
)
"""The columns of a transfer that count its records by outcome; what waits for a person counts as failed."""


class Transfer(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="transfers")
    undoes = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="undos")
    """The transfer that this one takes back; None: it is a transfer itself."""
    delete_created = models.BooleanField(default=False)
    """Of an undo: what the transfer created is deleted, too, where nobody touched it."""
    picked = models.BooleanField(default=False)
    """It goes over chosen records, which wait among its `records`, instead of the whole source."""
    direction = models.CharField(max_length=20)
    """`to_pipedrive` or `from_pipedrive`."""
    source_app = models.CharField(max_length=10)
    past_emails = models.BooleanField(default=False)
    """Campaign e-mails of before the launch become activities, too: `core.transfer.Include`."""
    constants = models.BooleanField(default=True)
    state = models.CharField(max_length=12, default="running")
    """`preview`, `ready`, `running`, `paused`, `done`, `cancelled`, `failed`, `undone`."""
    state_text = models.TextField(blank=True)
    cursor = models.TextField(blank=True)
    """Where the walk over the source goes on."""
    page = models.PositiveIntegerField(default=0)
    """How many pages are done: a page is done when its records' rows are there."""
    total = models.PositiveIntegerField(null=True, blank=True)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    restored = models.PositiveIntegerField(default=0)
    deleted = models.PositiveIntegerField(default=0)
    unlinked = models.PositiveIntegerField(default=0)
    kept = models.PositiveIntegerField(default=0)
    """Of an undo: restored, deleted, unlinked, and left alone because somebody changed them since."""
    tokens = models.PositiveIntegerField(default=0)
    settings = models.JSONField(default=dict)
    """The connection's settings as they were at the start."""
    settings_version = models.PositiveIntegerField(default=0)
    planned = models.JSONField(default=dict)
    """What a preview counted: `core.transfer.Work`, and under `outcomes` how many records of each outcome."""
    pace = models.JSONField(default=list)
    """How far the run was when: `core.transfer.Pace`."""
    waits = models.JSONField(default=list)
    """Why the run stood still when: seconds since its start, and the reason in words; oldest first."""
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.CharField(max_length=200, blank=True)
    """Who paused it; empty where it had to stop by itself."""
    put_off_until = models.DateTimeField(null=True, blank=True)
    """Until when it waits for the next day's budget, by itself: its company's live sync goes on."""
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection"],
                condition=models.Q(state__in=["running", "paused"]),
                name="one_transfer_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["connection"],
                condition=models.Q(state__in=["preview", "ready"]),
                name="one_preview_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"transfer {self.direction}: {self.state}"

    @property
    def done(self) -> int:
        return sum(getattr(self, name) for name in COUNTED)

    @property
    def began_at(self) -> datetime:
        """From when its pace, its waits and its time are counted."""
        return self.started_at or self.created_at


class TransferRecord(models.Model):
    """One record of a transfer: what became of it and why."""

    transfer = models.ForeignKey(Transfer, on_delete=models.CASCADE, related_name="records")
    source_id = models.CharField(max_length=64)
    target_id = models.CharField(max_length=64, blank=True)
    name = models.CharField(max_length=300, blank=True)
    outcome = models.CharField(max_length=12)
    """`created`, `updated`, `unchanged`, `skipped`, `failed`, `attention`; of an undo `restored`, `deleted`, `unlinked`,
    `kept`, `failed`; `waiting`: chosen, and not dealt with yet."""
    linked = models.BooleanField(default=False)
    """The link between the two was made by this transfer."""
    written_at = models.DateTimeField(null=True, blank=True)
    """Of a created record: when its app says it was written."""
    at = models.DateTimeField(null=True, blank=True)
    """When it came to its outcome; None before that, and for those of a release that did not keep it."""
    reason = models.TextField(blank=True)
    changes = models.JSONField(default=list)
    refusals = models.JSONField(default=list)
    """The values that stay behind while the rest is written: `core.refused.refusals_to_json`."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["transfer", "source_id"], name="one_outcome_per_record")
        ]
        indexes = [
            models.Index(fields=["transfer", "outcome", "id"], name="records_by_outcome"),
            models.Index(fields=["transfer", "id"], condition=~models.Q(refusals=[]), name="records_refused"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome}"


class TransferOrganization(models.Model):
    """An organization that a transfer created, under the name it was given."""

    transfer = models.ForeignKey(Transfer, on_delete=models.CASCADE, related_name="organizations")
    organization_id = models.BigIntegerField()
    name = models.CharField(max_length=300)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["transfer", "organization_id"], name="one_made_organization")
        ]

    def __str__(self) -> str:
        return self.name


class PreviewClaim(models.Model):
    """What an earlier record of a preview would have taken: the run would have written it, the preview only notes it."""

    transfer = models.ForeignKey(Transfer, on_delete=models.CASCADE, related_name="claims")
    kind = models.CharField(max_length=12)
    key = models.CharField(max_length=400)
    holder = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["transfer", "kind", "key"], name="one_claim_per_key")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
