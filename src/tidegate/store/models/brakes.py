"""What the brakes of a connection stopped, until a member says what becomes of it."""

from django.db import models
from django.utils import timezone

from tidegate.core.brakes import Brake
from tidegate.store.models.connections import Connection


class Halt(models.Model):
    """Changes that were stopped before they were written; open until `decided_at`."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="halts")
    brake = models.CharField(max_length=20, choices=[(brake.value, brake.value) for brake in Brake])
    message = models.TextField()
    counts = models.JSONField(default=dict)
    """`updated`, `created`, `emptied`, `vanished`: written lately and about to be, as far as was looked ahead. `linked`,
    `waiting`: how many there are."""
    examples = models.JSONField(default=list)
    """Some of the records, as `ports.Example`."""
    upto = models.BigIntegerField(default=0)
    """The newest change that waited: what is decided holds for it and for all before it."""
    created_at = models.DateTimeField(default=timezone.now)
    decision = models.CharField(max_length=10, blank=True)
    """`confirmed` or `dropped`."""
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection"], condition=models.Q(decided_at__isnull=True), name="one_open_halt"
            )
        ]

    def __str__(self) -> str:
        return f"{self.brake}: {self.message}"
