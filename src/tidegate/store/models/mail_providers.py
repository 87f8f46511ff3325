"""Where e-mail service providers deliver: one address for each provider of a workspace."""

import uuid

from django.db import models
from django.utils import timezone

from tidegate.store.models.people import Workspace


class MailProvider(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="mail_providers")
    provider = models.CharField(max_length=40)
    digest = models.CharField(max_length=64, unique=True)
    """SHA-256, in hex, of the secret part of its address (256 random bits), by which a delivery is recognised."""
    secret = models.BinaryField(null=True)
    """The same part, encrypted (`store.secrets`), for the pages; null where it was made before they showed it."""
    signing_key = models.BinaryField(null=True)
    """Encrypted (`store.secrets`); null where the provider does not sign, or its key was not entered yet."""
    created_at = models.DateTimeField(default=timezone.now)
    last_delivery_at = models.DateTimeField(null=True, blank=True)
    refused_at = models.DateTimeField(null=True, blank=True)
    """When a delivery came to its address that was not taken, none having been taken since."""
    refused_why = models.CharField(max_length=300, blank=True)
    dropped_at = models.DateTimeField(null=True, blank=True)
    """When a delivery that was taken last held an event that could not be."""
    dropped_why = models.TextField(blank=True)
    dropped_event = models.JSONField(null=True, blank=True)
    """That event in our words."""

    class Meta:
        ordering = ["created_at", "pk"]

    def __str__(self) -> str:
        return self.provider
