"""The app that makes this server known to Pipedrive, where it was entered on a page: one row for the whole server."""

from django.db import models
from django.utils import timezone


class OAuthApp(models.Model):
    client_id = models.CharField(max_length=200)
    client_secret = models.BinaryField()
    """Encrypted: `store.secrets`."""
    saved_at = models.DateTimeField(default=timezone.now)
    saved_by = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_oauth_app")]

    def __str__(self) -> str:
        return f"app {self.client_id}"
