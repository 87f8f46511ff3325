"""The lane of a Pipedrive company: its inbox of changes, open intents and API budget.

All work against one company goes through its lane, drained by one worker at a time (`store.lanes`, `store.holds`).
"""

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

CAMPAIGN_ENTITIES = ("campaign_event", "campaign_email", "campaign_consent")
FLOW = Case(When(entity__in=CAMPAIGN_ENTITIES, then=F("entity")), default=Value(""))
"""What is taken from the inbox together: changes of records (empty), campaign events, looks at campaign e-mails, consents.

A campaign leaves tens of thousands of the latter waiting; none may be read on the way to a change of another flow.
"""


class Lane(models.Model):
    company_id = models.CharField(max_length=40)
    api_domain = models.URLField(max_length=300)
    epoch = models.BigIntegerField(default=0)
    """Raised by each hold; results are committed only where it is still the holder's."""
    held_until = models.DateTimeField(null=True, blank=True)
    """The holder's heartbeat by the database's clock; past it the sweep ends the holder's session."""
    holder_pid = models.IntegerField(null=True, blank=True)
    """The PostgreSQL backend that holds the advisory lock."""
    wait_until = models.DateTimeField(null=True, blank=True)
    """Nothing is done before: the budget is used up, or Pipedrive asked us to wait."""
    wait_reason = models.TextField(blank=True)

    plan = models.CharField(max_length=20, default="lite")
    seats = models.PositiveIntegerField(default=1)
    daily_budget = models.PositiveIntegerField(null=True, blank=True)
    """Tokens a day, where a member set it or Pipedrive told; else reckoned from plan and seats."""
    reserve_percent = models.PositiveSmallIntegerField(default=30)
    """The share of the day's budget that is left to people and other apps."""
    burst_limit = models.PositiveIntegerField(null=True, blank=True)
    """Requests in 2 seconds, learned from answers."""

    persons_walked_at = models.DateTimeField(null=True, blank=True)
    """When the last whole walk of persons began; None: the mirror is not complete."""
    persons_high_water = models.DateTimeField(null=True, blank=True)
    """Updates up to here are in the mirror."""
    persons_cursor = models.TextField(blank=True)
    organizations_walked_at = models.DateTimeField(null=True, blank=True)
    organizations_high_water = models.DateTimeField(null=True, blank=True)
    organizations_cursor = models.TextField(blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    """When the last reconciliation ended; None: one is due at once."""
    swept_at = models.DateTimeField(null=True, blank=True)
    """When the sweep last came by: a gap tells that everything was down."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["api_domain", "company_id"], name="one_lane_per_company")
        ]

    def __str__(self) -> str:
        return f"lane of {self.company_id} at {self.api_domain}"


OWN_WRITE = "own"
"""The source of a delivery that names our user and a program: nearly always our own write coming back."""


class Change(models.Model):
    """A row of the inbox: something happened in either app. It says *look at this record*, no more."""

    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="changes", db_index=False)
    connection = models.ForeignKey(
        "store.Connection", on_delete=models.CASCADE, related_name="changes", db_index=False
    )
    """Each index costs every delivery; the ones below serve both keys."""
    side = models.CharField(max_length=10)
    entity = models.CharField(max_length=20, default="person")
    """`prospect`, `person`, `organization`, `campaign_event`, `campaign_email`, `campaign_consent`; others are kept for the schema watch."""
    record_id = models.CharField(max_length=64)
    action = models.CharField(max_length=10, default="change")
    """`create`, `change`, `delete`, `check` where we ask ourselves to look, or `leave` where a member left an event."""
    source = models.CharField(max_length=20)
    """`webhook`, `own`, `store`, `catchup`, `retry`, `transfer`, `campaign`, `organization`, `merge`. What
    is `own` (`OWN_WRITE`) is looked at like any other, and counted apart."""
    delivery_id = models.CharField(max_length=80, null=True, blank=True)  # noqa: DJ001 (null: nothing to tell apart)
    body = models.JSONField(null=True, blank=True)
    """The record as a delivery showed it, to tell an echo without asking; never the source of a write."""
    merged_into = models.CharField(max_length=64, blank=True)
    actor = models.CharField(max_length=200, blank=True)
    """Who did it, for the log: a member's name, a Pipedrive user's id, an import."""
    received_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    outcome = models.CharField(max_length=20, blank=True)

    class Meta:
        indexes = [
            models.Index("connection", FLOW, "id", condition=Q(done_at__isnull=True), name="change_waiting"),
            models.Index(
                fields=["lane", "due_at"], condition=models.Q(done_at__isnull=True), name="change_due"
            ),
            models.Index(fields=["connection", "received_at"], name="change_recent"),
            models.Index(
                fields=["connection"],
                condition=Q(done_at__isnull=True) & ~Q(source=OWN_WRITE),
                name="change_of_others",
            ),
            models.Index(
                fields=["connection", "due_at", "id"],
                condition=Q(done_at__isnull=True, entity="campaign_email"),
                name="change_look_due",
            ),
            models.Index(
                fields=["connection", "record_id"],
                condition=Q(done_at__isnull=True, entity="campaign_email"),
                name="change_look_planned",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["connection", "delivery_id"], name="one_row_per_delivery"),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.entity} {self.record_id}: {self.action}"


class Intent(models.Model):
    """A write noted before it is sent. Open after a crash: looked up before it is tried again."""

    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="intents")
    connection = models.ForeignKey("store.Connection", on_delete=models.CASCADE, related_name="intents")
    kind = models.CharField(max_length=20)
    """`person`, `organization`, `prospect`, `webhook`, `deal`, `activity`, `email_activity`, `field`, `options`: a create. `update`, `move`,
    `consent`: a change of an existing record."""
    key = models.CharField(max_length=300)
    """What it is made for: the prospect's id, the organization's name key, the person's id."""
    facts = models.JSONField(default=dict)
    """What the created record can be recognised by: name, addresses, owner."""
    created_at = models.DateTimeField(default=timezone.now)
    given_up_at = models.DateTimeField(null=True, blank=True)
    """When nobody waited for its answer any more: it may still arrive for some seconds, and is looked up afterwards."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "kind", "key"], name="one_open_intent")]

    def __str__(self) -> str:
        return f"intent to create {self.kind} for {self.key}"


class LedgerDay(models.Model):
    """What one feature spent of a company's API budget on one day."""

    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="ledger")
    day = models.DateField()
    feature = models.CharField(max_length=20)
    tokens = models.PositiveBigIntegerField(default=0)
    requests = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lane", "day", "feature"], name="one_ledger_row")]

    def __str__(self) -> str:
        return f"{self.day} {self.feature}: {self.tokens} tokens"
