"""Files of prospects on their way in."""

import uuid

from django.db import models
from django.utils import timezone

from tidegate.words import say


class ImportState(models.TextChoices):
    UPLOADED = "uploaded", say("Waiting for its columns")
    RUNNING = "running", say("Running")
    DONE = "done", say("Done")
    FAILED = "failed", say("Failed")


class Import(models.Model):
    """A file on its way in: its bytes until it is done, what its columns mean, and how far it has come."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace_id = models.UUIDField()
    file_name = models.CharField(max_length=255)
    content = models.BinaryField(default=b"")
    encoding = models.CharField(max_length=40, blank=True)
    delimiter = models.CharField(max_length=1, blank=True)
    escape = models.CharField(max_length=1, blank=True)
    plan = models.JSONField(default=dict)
    """A `prospects.importing.Plan` as JSON; empty until the columns are matched."""
    state = models.CharField(max_length=10, choices=ImportState.choices, default=ImportState.UPLOADED)
    message = models.TextField(blank=True)
    """Why it failed, in words."""
    actor = models.CharField(max_length=200)
    header = models.JSONField(default=list)
    rows_total = models.PositiveIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    """Outcome -> number of rows, so far."""
    created_at = models.DateTimeField(default=timezone.now)
    worked_at = models.DateTimeField(default=timezone.now)
    """The last batch: an import that runs and has not moved for a while lost its worker."""
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["workspace_id", "-created_at"], name="imports_recent")]

    def __str__(self) -> str:
        return self.file_name


class ImportProblem(models.Model):
    """A row that was not taken, or a value of it that was left out, with the reason."""

    run = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="problems")
    line = models.PositiveIntegerField()
    """The line of the file where the row starts; the header is line 1."""
    rejected = models.BooleanField(default=True)
    """False: the row came in without the values the reason names."""
    reason = models.TextField()
    cells = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["run", "line"], name="import_problems_in_order")]

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"
