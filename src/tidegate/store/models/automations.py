"""What campaign events set off: runs of automations with what became of each action, and the activities of campaign e-mails."""

from django.db import models
from django.utils import timezone

from tidegate.store.models.connections import Connection


class AutomationRun(models.Model):
    """One automation at work for one event. It is written down before its first action, and goes on after a crash."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="runs")
    trigger = models.CharField(max_length=40)
    once_key = models.CharField(max_length=300)
    """Of all runs of one trigger one at most has this key: `core.once.once_key`."""
    event_id = models.CharField(max_length=64)
    event_at = models.DateTimeField()
    prospect_id = models.CharField(max_length=64)
    person_id = models.CharField(max_length=64, blank=True)
    """Empty: the prospect is not in Pipedrive, so nothing was done."""
    campaign_id = models.CharField(max_length=64, blank=True)
    campaign_name = models.CharField(max_length=200, blank=True)
    email_id = models.CharField(max_length=64, blank=True)
    record_name = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "trigger", "once_key"], name="automation_runs_once"
            ),
            models.UniqueConstraint(fields=["connection", "event_id"], name="one_run_per_event"),
        ]
        indexes = [
            models.Index(fields=["connection", "-created_at"], name="run_recent"),
            models.Index(fields=["connection", "prospect_id"], name="run_of_prospect"),
        ]

    def __str__(self) -> str:
        return f"{self.trigger} for {self.record_name}"


class RunAction(models.Model):
    """One action of a run, as the settings had it when the run began."""

    run = models.ForeignKey(AutomationRun, on_delete=models.CASCADE, related_name="actions")
    position = models.PositiveSmallIntegerField()
    action = models.JSONField()
    """As `core.automation.action_to_json` writes it."""
    outcome = models.CharField(max_length=20, default="waiting")
    """A `core.runs.Outcome`."""
    reason = models.TextField(blank=True)
    """Why it was not performed, or failed."""
    text = models.CharField(max_length=300, blank=True)
    """What it came to: the deal's title, the activity's subject, from which stage to which."""
    deal_id = models.CharField(max_length=40, blank=True)
    activity_id = models.CharField(max_length=40, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "position"], name="one_action_per_place")]
        indexes = [
            models.Index(fields=["deal_id"], name="action_of_deal", condition=~models.Q(deal_id="")),
            models.Index(
                fields=["activity_id"], name="action_of_activity", condition=~models.Q(activity_id="")
            ),
        ]
        ordering = ["position"]

    def __str__(self) -> str:
        return f"{self.action.get('kind')}: {self.outcome}"


class EmailActivity(models.Model):
    """The activity that shows a campaign e-mail in Pipedrive."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="email_activities")
    email_id = models.CharField(max_length=64)
    prospect_id = models.CharField(max_length=64)
    person_id = models.CharField(max_length=64)
    activity_id = models.CharField(max_length=40)
    deal_id = models.CharField(max_length=40, blank=True)
    moments = models.JSONField(default=dict)
    """Trigger -> when it first happened, of what the activity has shown: nothing is taken back."""
    digest = models.CharField(max_length=64)
    """Of what was written last."""
    gone = models.BooleanField(default=False)
    """Somebody deleted it in Pipedrive: it is not made anew."""
    written_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "email_id"], name="one_activity_per_email")
        ]
        indexes = [models.Index(fields=["connection", "activity_id"], name="email_activity_by_id")]

    def __str__(self) -> str:
        return f"activity {self.activity_id} of e-mail {self.email_id}"
