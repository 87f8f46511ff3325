"""The rolling check of a connection: how far it is, what it has found, and which pairs are not in step."""

from django.db import models
from django.utils import timezone

from tidegate.store.models.connections import Connection


class SamenessCheck(models.Model):
    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, related_name="sameness")
    round = models.PositiveIntegerField(default=1)
    cursor = models.TextField(blank=True)
    """Of the walk over Pipedrive's persons; empty: the round has not begun."""
    due_at = models.DateTimeField(default=timezone.now)
    in_a_hurry = models.BooleanField(default=False)
    """A member asked for this round: its pages follow each other at once."""
    began_at = models.DateTimeField(null=True, blank=True)
    in_step = models.PositiveIntegerField(default=0)
    on_their_way = models.PositiveIntegerField(default=0)
    differing = models.PositiveIntegerField(default=0)
    """Of the round under way, so far."""
    finished_at = models.DateTimeField(null=True, blank=True)
    last_in_step = models.PositiveIntegerField(default=0)
    last_on_their_way = models.PositiveIntegerField(default=0)
    last_differing = models.PositiveIntegerField(default=0)
    """Of the last whole round."""

    def __str__(self) -> str:
        return f"round {self.round} of {self.connection_id}"


class OutOfStep(models.Model):
    """A linked pair whose two records differed when they were last compared."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="out_of_step")
    prospect_id = models.CharField(max_length=64)
    person_id = models.CharField(max_length=64)
    name = models.CharField(max_length=300, blank=True)
    why = models.CharField(max_length=20)
    """A `core.sameness.Why`."""
    fields = models.JSONField(default=list)
    round = models.PositiveIntegerField()
    found_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "prospect_id"], name="one_out_of_step_per_pair")
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.why}"
