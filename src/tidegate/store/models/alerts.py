"""What somebody was to be told of, and when an e-mail last said so."""

from django.db import models
from django.utils import timezone

from tidegate.store.models.connections import Connection


class Alert(models.Model):
    """Of a kind there is one open alert for each connection at most; it ends by itself once its cause is gone."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="alerts")
    kind = models.CharField(max_length=20)
    """A `core.alerts.AlertKind`."""
    text = models.TextField()
    began_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "kind"],
                condition=models.Q(ended_at__isnull=True),
                name="one_open_alert_per_kind",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.connection}"
