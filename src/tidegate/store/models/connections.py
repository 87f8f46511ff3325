"""A connection: one authorised pairing of an outreach app and a Pipedrive company, with its settings and status."""

import secrets
import uuid

from django.db import models
from django.utils import timezone

from tidegate.core.connection import Reason, Status
from tidegate.core.settings import Settings, settings_from_json
from tidegate.store.models.lanes import Lane
from tidegate.store.models.people import User, Workspace


def make_hook_token() -> str:
    return secrets.token_urlsafe(24)


class Connection(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="connections")
    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="connections")
    outreach_app = models.CharField(max_length=40, default="prospects")
    """Which adapter reaches the outreach app; `prospects` is the built-in store."""

    status = models.CharField(
        max_length=10, choices=[(s.value, s.value) for s in Status], default=Status.PAUSED.value
    )
    reason = models.CharField(max_length=20, blank=True, default=Reason.NEW.value)
    """Why it is paused or failed: a `core.connection.Reason`."""
    reason_text = models.TextField(blank=True)
    before_syncing = models.CharField(max_length=10, blank=True)
    """The status to return to when a transfer ends."""
    launched_at = models.DateTimeField(null=True, blank=True)
    disconnected_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    connected_at = models.DateTimeField(default=timezone.now)
    """When it was authorised last: first, or by a reconnect."""

    settings = models.JSONField(default=dict)
    settings_version = models.PositiveIntegerField(default=1)
    """Raised at every save, so that two people editing at once are told."""
    catalogue = models.JSONField(default=dict)
    """What Pipedrive offered at the last refresh: `store.catalogues` reads and writes it."""
    catalogue_read_at = models.DateTimeField(null=True, blank=True)

    auth_method = models.CharField(max_length=10, choices=[("oauth", "OAuth"), ("token", "personal token")])
    secret = models.BinaryField(null=True)
    """The tokens, encrypted: `store.secrets`."""
    token_expires_at = models.DateTimeField(null=True, blank=True)
    refreshing_until = models.DateTimeField(null=True, blank=True)
    """One process at a time refreshes: claimed by a conditional update, free again after this moment."""
    scopes = models.JSONField(default=list)
    api_domain = models.URLField(max_length=300)
    company_id = models.CharField(max_length=40)
    company_name = models.CharField(max_length=200)
    company_domain = models.CharField(max_length=200)
    pipedrive_user_id = models.CharField(max_length=40)
    pipedrive_user_name = models.CharField(max_length=200)

    hook_token = models.CharField(max_length=64, unique=True, default=make_hook_token)
    """The secret part of the address Pipedrive delivers to."""
    hook_secret = models.BinaryField(null=True)
    """The Basic password of deliveries, encrypted."""
    webhooks_checked_at = models.DateTimeField(null=True, blank=True)
    webhooks_problem = models.TextField(blank=True)
    """Why Pipedrive's webhooks could not be put in place; the regular check then looks more often."""
    webhooks_suspected_at = models.DateTimeField(null=True, blank=True)
    """When a change was first found that they should have told of; None: they fare well."""
    last_delivery_at = models.DateTimeField(null=True, blank=True)

    passed_upto = models.BigIntegerField(default=0)
    """Changes up to this id were confirmed by a member: the brakes let them through."""
    left_upto = models.BigIntegerField(default=0)
    """Changes up to this id are left where they were made."""

    was_there = False
    """Not stored: whether the authorisation that made this object found the connection there already."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "outreach_app", "company_id"],
                condition=models.Q(disconnected_at__isnull=True),
                name="one_connection_per_company",
            )
        ]

    def __str__(self) -> str:
        return f"{self.company_name} ({self.status})"

    def get_settings(self) -> Settings:
        return settings_from_json(self.settings)

    @property
    def is_live(self) -> bool:
        """Whether changes are followed in real time (they wait while a transfer runs)."""
        return self.status in (Status.ACTIVE, Status.SYNCING)


class OAuthState(models.Model):
    """A `state` sent along with an authorisation: single-use, bound to member and workspace, short-lived."""

    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, null=True, blank=True)
    """The connection to reconnect, where it is not a new one."""
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"state of {self.user}"
